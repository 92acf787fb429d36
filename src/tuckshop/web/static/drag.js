// Coins that are dragged to the slot, with a finger or a mouse. A plain press stays a plain press.
import { lifted } from "./motion.js";

const FAR = 8; // Pixels: less is a trembling finger.
const NEAR = 60; // Around the slot: nobody must aim.

export function letDrag(purse, slot, insert) {
  purse.addEventListener("pointerdown", (down) => {
    const coin = down.target.closest(".coin-button");
    if (!coin || down.button) return;
    let moving = null;

    const isNear = (event) => {
      const at = slot.getBoundingClientRect();
      return event.clientX > at.left - NEAR && event.clientX < at.right + NEAR
        && event.clientY > at.top - NEAR && event.clientY < at.bottom + NEAR;
    };
    const move = (event) => {
      const [x, y] = [event.clientX - down.clientX, event.clientY - down.clientY];
      if (!moving && Math.hypot(x, y) < FAR) return;
      moving ??= lifted(coin.querySelector("svg"), coin.getBoundingClientRect());
      moving.style.transform = `translate(${x}px, ${y}px) scale(1.1)`;
      slot.parentElement.classList.toggle("is-near", isNear(event));
    };
    const end = (event) => {
      for (const [name, listener] of Object.entries(listeners)) removeEventListener(name, listener);
      slot.parentElement.classList.remove("is-near");
      if (!moving) return;
      moving.remove();
      // The click that follows a drag is not a press.
      const over = new AbortController();
      coin.addEventListener("click", (click) => click.preventDefault(), { capture: true, signal: over.signal });
      setTimeout(() => over.abort());
      if (event.type === "pointerup" && isNear(event)) insert(coin);
    };
    const listeners = { pointermove: move, pointerup: end, pointercancel: end };
    for (const [name, listener] of Object.entries(listeners)) addEventListener(name, listener);
  });
  purse.addEventListener("dragstart", (event) => event.preventDefault());
}
