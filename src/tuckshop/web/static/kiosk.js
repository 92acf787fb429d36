// A machine's own screen: whole, and forgetful a minute after the last touch.

const WARNING_SECONDS = 10;

export function keepWatchOverGuest(machine) {
  const idleSeconds = Number(machine.dataset.idleSeconds);
  if (!idleSeconds) return;
  const said = document.getElementById("said");
  const isFresh = () => location.search === "" && said.textContent === machine.dataset.greeting
    && !document.querySelector(".undo, .choice li") && document.getElementById("credit").textContent === beginning;
  const beginning = new Intl.NumberFormat(document.documentElement.lang, {
    style: "currency", currency: machine.dataset.currency,
  }).format(0);
  let touched = Date.now();
  let before = "";
  const isAsking = () => said.textContent === machine.dataset.stillThere;

  const touch = () => {
    touched = Date.now();
    if (isAsking()) said.textContent = before;
  };
  for (const name of ["pointerdown", "keydown", "scroll", "wheel"]) addEventListener(name, touch, { passive: true, capture: true });
  addEventListener("pointerdown", () => {
    if (!document.fullscreenElement) document.documentElement.requestFullscreen?.().catch(() => {});
  });

  setInterval(() => {
    const left = idleSeconds - (Date.now() - touched) / 1000;
    if (left <= 0) {
      touched = Date.now();
      if (!isFresh()) document.getElementById("leave").submit();
    } else if (left <= WARNING_SECONDS && !isAsking() && !isFresh()) {
      // Again, too, once something that has come meanwhile has taken its place.
      before = said.textContent;
      said.textContent = machine.dataset.stillThere;
    }
  }, 500);
}
