// The keypad: keys for what the codes on the shelves are made of, and the same typed anywhere on the page.

// Letters, then 1 to 9, then 0.
const place = (sign) => (sign === "0" ? 0x200000 : /\d/.test(sign) ? 0x100000 : 0) + sign.codePointAt(0);

export function keepTyping(keypad, press) {
  const keys = keypad.querySelector(".keys");
  const codes = () => [...document.querySelectorAll(".slot")].map((slot) => slot.dataset.code.toUpperCase());
  const used = [...new Set(codes().join(""))].sort((one, other) => place(one) - place(other));
  if (used.length > 18 || !used.length) return void keys.remove(); // Codes like words are typed, not keyed.

  for (const sign of used) addKey(sign, () => add(sign));
  const back = addKey("←", () => {
    const code = document.getElementById("code");
    code.value = code.value.slice(0, -1);
  });
  back.classList.add("key-back");
  back.setAttribute("aria-label", keys.dataset.back);
  keys.hidden = false;

  function addKey(face, act) {
    const key = document.createElement("button");
    key.type = "button";
    key.className = "key";
    key.textContent = face;
    key.addEventListener("click", act);
    keys.append(key);
    return key;
  }

  function add(sign) {
    const code = document.getElementById("code");
    code.value += sign;
    const typed = code.value.toUpperCase();
    const fitting = codes().filter((one) => one.startsWith(typed));
    // As soon as it can be no other; or it can be none, which the display then says.
    if (!fitting.length || (fitting.length === 1 && fitting[0] === typed)) {
      press(keypad, null).then(() => { document.getElementById("code").value = ""; });
    }
  }

  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input, textarea, select");
    const sign = event.key.toUpperCase();
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !used.includes(sign)) return;
    event.preventDefault();
    add(sign);
  });
}
