// Stock and prices as they change, from the shop's own stream of events.

const REOPEN_MILLISECONDS = 5000;

export function watch(machine, lookAgain) {
  const { machine: number, currency, exponent, soldOut } = machine.dataset;
  const { lang } = document.documentElement;
  const written = new Intl.NumberFormat(lang, { style: "currency", currency });
  const left = JSON.parse(machine.dataset.left); // A text for each form of counting: `one`, `few`, `other`.
  const counted = new Intl.PluralRules(lang);
  let stream = null;
  open();
  addEventListener("pagehide", () => stream.close());
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  function open() {
    stream = new EventSource("/v1/events");
    // Something may have been missed; also between this page's making and its first stream.
    stream.addEventListener("hello", lookAgain);
    stream.addEventListener("stock", (event) => restock(JSON.parse(event.data)));
    stream.addEventListener("product", (event) => change(JSON.parse(event.data)));
    stream.addEventListener("error", () => {
      if (stream.readyState !== EventSource.CLOSED) return; // The browser tries again by itself.
      lookAgain(); // Most likely the session is over: the page comes back as a guest's.
      setTimeout(open, REOPEN_MILLISECONDS);
    });
  }

  function restock(told) {
    if (String(told.machine) !== number) return;
    const slot = document.getElementById(`slot-${told.product}`);
    if (!slot) return void lookAgain();
    const wasChosen = slot.classList.contains("is-chosen");
    slot.classList.toggle("is-out", !told.stock);
    slot.querySelector(".niche").disabled = !told.stock;
    const shown = slot.querySelector(".left");
    shown.textContent = told.stock ? leftOver(told.stock) : soldOut;
    shown.classList.toggle("left-few", told.stock > 0 && told.stock <= 3);
    price(slot, told.price);
    if (wasChosen) lookAgain(); // The sum, and whether there is enough, are the server's to say.
  }

  function leftOver(count) {
    return (left[counted.select(count)] ?? left.other).replace("{count}", count);
  }

  function change(told) {
    const slot = document.getElementById(`slot-${told.product}`);
    if (slot) lookAgain(); // A new name, picture or price; or it is gone.
  }

  function price(slot, cents) {
    if (typeof cents !== "number") return;
    const shown = slot.querySelector(".tag-price");
    const text = written.format(cents / 10 ** exponent);
    if (shown.textContent.replace(/\s/g, " ") !== text.replace(/\s/g, " ")) shown.textContent = text;
  }
}
