// A bar while a file is on its way and looked at. Without this script, the browser sends the form as any other.

const WELL_KNOWN = [200, 422];

document.addEventListener("change", ({ target }) => {
  if (target.type !== "file") return;
  const [file] = target.files;
  target.setCustomValidity(file && file.size > Number(target.dataset.bytesMax) ? target.dataset.tooLarge : "");
  target.reportValidity();
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  const bar = form.querySelector("[data-bar]");
  if (!bar) return;
  event.preventDefault();
  const progress = bar.querySelector("progress");
  const button = form.querySelector("button");
  bar.hidden = false;
  button.disabled = true;
  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    if (loaded < total) progress.value = loaded / total;
    else progress.removeAttribute("value"); // All is there; now the shop looks at it.
  });
  request.addEventListener("loadend", () => {
    const isHere = new URL(request.responseURL || location.href).pathname === new URL(form.action).pathname;
    if (isHere && WELL_KNOWN.includes(request.status)) {
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      document.getElementById("main").replaceWith(document.importNode(page.getElementById("main"), true));
      scrollTo(0, 0);
      document.querySelector("#would h2, #problems h2, #same, .wrong")?.scrollIntoView({ block: "center" });
    } else {
      form.submit(); // Whatever it is, the browser shows it.
    }
  });
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "text/html");
  request.send(new FormData(form));
});
