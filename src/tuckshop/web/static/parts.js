// A page laid over the one that is shown: only parts that differ are touched, and the focus stays where it was.

// `isQuiet`: nobody has pressed anything, so what the display says of the last press stands while the sums below it do,
// and so does what is half typed.
export function showPage(content, { isQuiet = false } = {}) {
  const page = new DOMParser().parseFromString(content, "text/html");
  const focused = document.activeElement?.id;
  const front = document.getElementById("front");
  const newFront = page.getElementById("front");
  if (slotsOf(front) !== slotsOf(newFront)) front.replaceChildren(...newFront.children);
  for (const part of page.querySelectorAll("[data-part]")) {
    const shown = document.getElementById(part.id);
    if (!shown || (isQuiet && isTheirs(part, page))) continue;
    if (part.dataset.part === "text") {
      // In place, or screen readers would not read it.
      if (shown.textContent !== part.textContent) shown.textContent = part.textContent;
    } else if (part.id === "tray" && !part.querySelector("li")) {
      // What has fallen lies there until something else falls, or it is taken.
    } else if (!shown.isEqualNode(part)) {
      shown.replaceWith(document.importNode(part, true));
    }
  }
  if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus({ preventScroll: true });
  return page;
}

const isTheirs = (part, page) => part.id === "typed" || (part.id === "said" && isSame("sums", page) && isSame("choice", page));
const isSame = (id, page) => document.getElementById(id).isEqualNode(page.getElementById(id));

const slotsOf = (front) => [...front.children].map((slot) => slot.id).join(" ");
