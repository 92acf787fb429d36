// What is asked of a page from within it, beside axe. See judging.py.
const LETTERS_MAX = 120;
const told = (element) => element.outerHTML.slice(0, LETTERS_MAX);

globalThis.judging = {
  // What axe calls a violation; of one rule only, if it is named.
  async axe(rule) {
    const options = { resultTypes: ["violations"], rules: { "target-size": { enabled: true } } };
    const found = await axe.run(document, rule ? { ...options, runOnly: [rule] } : options);
    return found.violations.flatMap(({ id, nodes }) => nodes.map((one) => `${id}: ${one.html.slice(0, LETTERS_MAX)}`));
  },

  // What is too small for a finger. Links within a sentence are as high as its lines; what has a label can be
  // pressed there, too.
  small(leastPixels) {
    const isWithinLine = (one) =>
      getComputedStyle(one).display === "inline" && one.parentElement.textContent.trim() !== one.textContent.trim();
    return [...document.querySelectorAll("a, button, select, textarea, summary, input:not([type=hidden])")]
      .filter((one) => one.checkVisibility() && !one.classList.contains("skip") && !isWithinLine(one))
      .map((one) => [one, [one, ...(one.labels ?? [])].map((part) => part.getBoundingClientRect())])
      .filter(([, boxes]) => !boxes.some((box) => box.width >= leastPixels && box.height >= leastPixels))
      .map(([one, [box]]) => `${Math.round(box.width)}x${Math.round(box.height)}: ${told(one)}`);
  },

  // What sticks out to the right.
  wide() {
    if (document.documentElement.scrollWidth <= innerWidth) return [];
    const end = (one) => one.getBoundingClientRect().left + Math.max(one.offsetWidth ?? 0, one.scrollWidth);
    const out = [...document.body.querySelectorAll("*")].filter((one) => end(one) > innerWidth + 1);
    return [`wider than its screen: ${out.slice(-2).map(told)}`];
  },

  unlabelled() {
    return [...document.querySelectorAll("input:not([type=hidden]), select, textarea")]
      .filter((one) => !one.labels.length)
      .map((one) => `no label: ${told(one)}`);
  },

  // Every line of text: where it is seen, and in which colour. Letters on drawn packages are part of a picture, and
  // what cannot be pressed now may be faint.
  lines() {
    const found = [];
    const range = document.createRange();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode.data.trim();
      const element = walker.currentNode.parentElement;
      if (!text || !element.checkVisibility() || element.closest(":disabled, .picture")) continue;
      const style = getComputedStyle(element);
      const isDrawn = element instanceof SVGElement;
      const { opacity, window } = surroundings(element);
      range.selectNodeContents(walker.currentNode);
      for (const whole of range.getClientRects()) {
        const box = common(window, whole);
        if (box.right - box.left < 3 || box.bottom - box.top < 3) continue;
        const above = document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);
        if (!above || !(above.contains(element) || element.contains(above))) continue;
        const spare = (box.bottom - box.top) / 8; // No letter is so high and so low.
        found.push({
          text: text.slice(0, 40),
          box: [box.left, box.top + spare, box.right, box.bottom - spare],
          color: isDrawn ? style.fill : style.color,
          opacity,
          size: isDrawn ? whole.height / 1.2 : parseFloat(style.fontSize),
          weight: Number(style.fontWeight),
        });
      }
    }
    return found;
  },

  hideText() {
    const sheet = new CSSStyleSheet(); // The page's policy takes no <style>.
    sheet.replaceSync(`
      *, ::before, ::after { color: transparent !important; text-shadow: none !important; }
      svg text { fill: none !important; stroke: none !important; }
    `);
    document.adoptedStyleSheets = [sheet];
  },

  showText() {
    document.adoptedStyleSheets = [];
  },
};

// How much of an element shines through, and within which edges it can be seen.
function surroundings(element) {
  let opacity = 1;
  let window = { left: 0, top: 0, right: innerWidth, bottom: innerHeight };
  for (let one = element; one !== document.documentElement; one = one.parentElement) {
    const style = getComputedStyle(one);
    opacity *= Number(style.opacity);
    if (style.overflow !== "visible") window = common(window, one.getBoundingClientRect());
  }
  return { opacity, window };
}

function common(one, other) {
  return {
    left: Math.max(one.left, other.left),
    top: Math.max(one.top, other.top),
    right: Math.min(one.right, other.right),
    bottom: Math.min(one.bottom, other.bottom),
  };
}
