// Stock and prices as they change, from the shop's own stream of events.

export function watch(machine, lookAgain) {
  const { machine: number, currency, exponent, left, soldOut } = machine.dataset;
  const written = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency });
  let isFirst = true;
  const stream = new EventSource("/v1/events");
  addEventListener("pagehide", () => stream.close());
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  // The first greets; a later one says that something may have been missed.
  stream.addEventListener("hello", () => {
    if (!isFirst) lookAgain();
    isFirst = false;
  });

  stream.addEventListener("stock", (event) => {
    const told = JSON.parse(event.data);
    if (String(told.machine) !== number) return;
    const slot = document.getElementById(`slot-${told.product}`);
    if (!slot) return void lookAgain();
    const wasChosen = slot.classList.contains("is-chosen");
    slot.classList.toggle("is-out", !told.stock);
    slot.querySelector(".niche").disabled = !told.stock;
    const shown = slot.querySelector(".left");
    shown.textContent = told.stock ? left.replace("{count}", told.stock) : soldOut;
    shown.classList.toggle("left-few", told.stock > 0 && told.stock <= 3);
    price(slot, told.price);
    if (wasChosen) lookAgain(); // The sum, and whether there is enough, are the server's to say.
  });

  stream.addEventListener("product", (event) => {
    const told = JSON.parse(event.data);
    const slot = document.getElementById(`slot-${told.product}`);
    if (slot) lookAgain(); // A new name, picture or price; or it is gone.
  });

  function price(slot, cents) {
    if (typeof cents !== "number") return;
    const shown = slot.querySelector(".tag-price");
    const text = written.format(cents / 10 ** exponent);
    if (shown.textContent.replace(/\s/g, " ") !== text.replace(/\s/g, " ")) shown.textContent = text;
  }
}
