// Things that fly and fall. Whoever wants less motion gets none.

const isCalm = matchMedia("(prefers-reduced-motion: reduce)");

// A coin into the slot.
export function fly(coin, slot) {
  if (isCalm.matches) return;
  const drawing = coin.querySelector("svg");
  const from = drawing.getBoundingClientRect();
  const to = slot.getBoundingClientRect();
  const isSeen = to.bottom > 0 && to.top < innerHeight;
  const x = (isSeen ? to.left + to.width / 2 : innerWidth / 2) - from.left - from.width / 2;
  const y = (isSeen ? to.top + to.height / 2 : -from.height) - from.top - from.height / 2;
  const moving = lifted(drawing, from);
  moving.animate(
    [
      { transform: "none" },
      { transform: `translate(${x * 0.6}px, ${y - 60}px) rotate(-160deg)`, offset: 0.6 },
      { transform: `translate(${x}px, ${y}px) rotate(-360deg) scaleX(.12) scaleY(.7)` },
    ],
    { duration: 480, easing: "ease-in-out" },
  ).finished.finally(() => moving.remove());
}

// A product off its shelf: forward, and down behind the glass.
export function drop(slot) {
  const picture = slot?.querySelector(".picture");
  const glass = document.querySelector(".glass").getBoundingClientRect();
  if (!picture || isCalm.matches) return;
  const from = picture.getBoundingClientRect();
  if (from.bottom < 0 || from.top > innerHeight) return;
  const moving = lifted(picture, from);
  const depth = Math.min(glass.bottom, innerHeight) - from.top;
  moving.animate(
    [
      { transform: "none", opacity: 1 },
      { transform: "translateY(-6px) scale(1.12)", opacity: 1, offset: 0.25 },
      { transform: `translateY(${depth}px) rotate(24deg) scale(1.05)`, opacity: 0 },
    ],
    { duration: 620, easing: "cubic-bezier(.5, 0, .9, .5)" },
  ).finished.finally(() => moving.remove());
}

export function lifted(drawing, from) {
  const moving = drawing.cloneNode(true);
  moving.classList.add("flying");
  Object.assign(moving.style, {
    left: `${from.left}px`, top: `${from.top}px`, width: `${from.width}px`, height: `${from.height}px`,
  });
  document.body.append(moving);
  return moving;
}
