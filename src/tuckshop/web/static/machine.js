// The machine's page with movement. Every press is the form that the page works with anyway: it is sent, the page
// that comes back is laid over this one part by part, and what has changed moves.
import { showPage } from "./parts.js";
import { fly, drop } from "./motion.js";
import { watch } from "./live.js";
import { letDrag } from "./drag.js";
import { keepTyping } from "./keypad.js";
import { keepWatchOverGuest } from "./kiosk.js";

const machine = document.getElementById("machine");
const said = document.getElementById("said");
const RETRY_MILLISECONDS = [400, 1000, 2000, 4000, 8000];
let line = Promise.resolve(); // One press after the other: each is sent with what the one before has left.
let repriced = 0; // How often a look has shown another total than the one before: nobody here has pressed for it.

document.documentElement.classList.add("has-script");

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

// The same request again until it is answered. Its key makes sure that it counts once.
async function fetchPage(url, options) {
  for (let tries = 0; ; tries += 1) {
    try {
      const answer = await fetch(url, options);
      if (answer.status !== 503 || tries >= RETRY_MILLISECONDS.length) return answer;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // What fetch calls a line that broke.
      if (tries >= RETRY_MILLISECONDS.length) return null;
    }
    said.textContent = machine.dataset.offline;
    options = { ...options, headers: { "X-Again": "1" } };
    await pause(RETRY_MILLISECONDS[Math.min(tries, RETRY_MILLISECONDS.length - 1)]);
  }
}

async function send(form, button, { isLook = false, agreed = repriced, value = button?.value } = {}) {
  const fields = new FormData(form);
  // Presses that came before may have replaced it, and with it the total. A price that somebody else has changed
  // since is none that was agreed to: then the old one is sent, and refused.
  const current = button?.id && document.getElementById(button.id);
  if (button?.name) fields.append(button.name, agreed === repriced && current ? current.value : value);
  const action = button?.getAttribute("formaction") ?? form.getAttribute("action");
  const isPost = form.method === "post";
  const query = new URLSearchParams(fields);
  const answer = isPost
    ? await fetchPage(action, { method: "POST", body: query })
    : await fetchPage(`${action}?${query}`);
  if (answer === null) return;
  const content = await answer.text();
  if (!answer.ok || !content.includes('id="machine"')) {
    location.assign(answer.ok ? answer.url : location.pathname); // Something else than this machine: go there.
    return;
  }
  const before = new Map([...document.querySelectorAll(".slot")].map((slot) => [slot.dataset.product, slot]));
  const total = document.getElementById("buy")?.value;
  const page = showPage(content, { isQuiet: isLook });
  if (isLook && document.getElementById("buy")?.value !== total) repriced += 1;
  history.replaceState(null, "", canonical(page));
  document.querySelector(".languages [name=back]").value = location.pathname + location.search;
  const news = document.getElementById("news");
  if (news.value === "bought") {
    document.getElementById("tray").scrollIntoView({ block: "nearest" }); // On a phone it may be far below.
    for (const product of news.dataset.products.split(" ")) drop(before.get(product) ?? document.getElementById(`slot-${product}`));
  }
}

// The address that a reload should show: what is chosen, and no press again.
function canonical(page) {
  const pick = page.querySelector("#state input[name=pick]").value;
  const change = document.querySelector("input[name=change]:checked").value;
  const query = new URLSearchParams();
  if (pick) query.set("pick", pick);
  const category = page.querySelector("#state input[name=category]")?.value;
  if (category) query.set("category", category);
  if (change === "return") query.set("change", change);
  return location.pathname + (query.size ? `?${query}` : "");
}

export function press(form, button, more) {
  const pressed = { agreed: repriced, value: button?.value };
  line = line.then(() => send(form, button, { ...more, ...pressed })).catch((error) => console.error(error));
  return line;
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!machine.contains(form) || form.id === "leave") return;
  event.preventDefault();
  const button = event.submitter;
  if (button?.classList.contains("coin-button")) fly(button, document.getElementById("coinslot"));
  press(form, button);
});

document.querySelector(".tray").addEventListener("click", (event) => event.target.closest("#tray")?.replaceChildren());
letDrag(document.getElementById("purse"), document.getElementById("coinslot"), (coin) => press(coin.form, coin));
keepTyping(document.getElementById("keypad"), press);
watch(machine, () => press(document.getElementById("look"), null, { isLook: true }));
keepWatchOverGuest(machine);
setInterval(() => {
  const left = document.querySelector(".undo-time");
  if (!left) return;
  const seconds = Math.max(Number(left.dataset.seconds) - 1, 0);
  left.dataset.seconds = seconds;
  left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  if (!seconds) document.getElementById("undoing").replaceChildren();
}, 1000);
