// The picture that was chosen, as the machine will show it. Drawn, since the page's policy lets no page show a file.

const canvas = document.getElementById("preview");
const input = document.getElementById("image");

input?.addEventListener("change", show);
if (input?.files.length) show(); // Chosen while this script was still on its way.

async function show() {
  const [file] = input.files;
  canvas.hidden = true;
  input.setCustomValidity(file && file.size > Number(input.dataset.bytesMax) ? input.dataset.tooLarge : "");
  if (!file || !input.reportValidity()) return;
  try {
    const picture = await createImageBitmap(file);
    const share = Math.min(canvas.width / picture.width, canvas.height / picture.height);
    const [width, height] = [picture.width * share, picture.height * share];
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(picture, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height);
    picture.close();
    canvas.hidden = false;
  } catch {
    // No picture that this browser knows: the shop will say what is wrong with it.
  }
}
