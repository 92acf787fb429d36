// Shows openapi.json and tries its operations out. Everything is put into the page as text, never as markup.

let access = null; // The token, in memory alone: whoever reloads logs in again.
let contract = {};

const make = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
};

// `code` in descriptions; nothing else of Markdown.
const prose = (text) => text.split("`").map((part, index) => (index % 2 ? make("code", {}, part) : part));

const resolve = (node) => {
  while (node && node.$ref) {
    node = node.$ref.slice(2).split("/").reduce((found, part) => found[part], contract);
  }
  return node;
};

const nameOf = (node) => (node.$ref ? node.$ref.split("/").pop() : "");

const typeOf = (schema) => {
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" or ");
  const known = resolve(schema);
  if (known.enum) return known.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (known.type === "array") return `list of ${typeOf(known.items)}`;
  return nameOf(schema) || known.format || known.type || "anything";
};

const rulesOf = (schema) => {
  const known = resolve(schema.anyOf ? schema.anyOf[0] : schema);
  const rules = [];
  const range = (low, highest, unit) => {
    const high = highest > Number.MAX_SAFE_INTEGER ? undefined : highest; // Ids: no limit that anybody meets.
    if (low !== undefined && high !== undefined) rules.push(`${low} to ${high}${unit}`);
    else if (low !== undefined) rules.push(`at least ${low}${unit}`);
    else if (high !== undefined) rules.push(`at most ${high}${unit}`);
  };
  range(known.minimum, known.maximum, "");
  range(known.minLength, known.maxLength, " characters");
  range(known.minItems, known.maxItems, " items");
  if (known.pattern && known.pattern.length < 60) rules.push(known.pattern); // Longer ones are described.
  if (schema.default !== undefined && schema.default !== null) rules.push(`default ${JSON.stringify(schema.default)}`);
  return rules.join(", ");
};

const exampleOf = (given) => {
  const schema = resolve(given);
  if (schema.examples) return schema.examples[0];
  if (schema.enum) return schema.enum[0];
  if (schema.anyOf) return exampleOf(schema.anyOf[0]);
  if (schema.type === "array") return [exampleOf(schema.items)];
  if (schema.format === "date-time") return "2026-01-31T12:00:00Z";
  if (schema.properties) {
    const alternatives = (schema.oneOf || []).slice(1).flatMap((one) => one.required);
    const shown = Object.entries(schema.properties).filter(([name]) => !alternatives.includes(name));
    return Object.fromEntries(shown.map(([name, one]) => [name, exampleOf(one)]));
  }
  if (schema.additionalProperties) return { 50: 1 };
  return { integer: schema.minimum || 1, boolean: true, string: "text" }[schema.type] ?? null;
};

// For trying out: what must be there, and what one most likely wants to change.
const startOf = (schema) => {
  const known = resolve(schema);
  const either = known.oneOf ? known.oneOf[0].required : [];
  const wanted = new Set([...(known.required || []), ...either]);
  const whole = exampleOf(schema);
  return wanted.size ? Object.fromEntries(Object.entries(whole).filter(([name]) => wanted.has(name))) : {};
};

const fieldsTable = (schema) => {
  const known = resolve(schema);
  if (!known || !known.properties) return null;
  const rows = Object.entries(known.properties).map(([name, one]) => make("tr", {},
    make("th", { scope: "row" }, make("code", {}, name), (known.required || []).includes(name) ? " *" : ""),
    make("td", {}, typeOf(one)),
    make("td", { class: "rules" }, rulesOf(one), " ", resolve(one).description || ""),
  ));
  return make("div", { class: "scroll" }, make("table", {}, make("tbody", {}, ...rows)));
};

// A schema, and below it every schema that it names.
const schemaView = (schema, seen = new Set()) => {
  const parts = [];
  const visit = (node) => {
    if (!node || typeof node !== "object") return;
    const name = nameOf(node);
    if (name && seen.has(name)) return;
    if (name) seen.add(name);
    const known = resolve(node);
    if (known.properties) {
      const head = make("p", {}, make("strong", {}, name || "body"), known.description ? ": " : "", ...prose(known.description || ""));
      parts.push(head, fieldsTable(node));
      Object.values(known.properties).forEach((one) => [one, one.items, ...(one.anyOf || [])].forEach((inner) => {
        if (inner && (inner.$ref || inner.items)) visit(inner.$ref ? inner : inner.items);
      }));
    }
  };
  visit(schema);
  return parts;
};

const responseView = (status, given) => {
  const response = resolve(given);
  const [mediaType, media] = Object.entries(response.content || {})[0] || [];
  const body = [];
  for (const [name, header] of Object.entries(response.headers || {})) {
    body.push(make("p", {}, make("code", {}, name), ": ", ...prose(resolve(header).description || "")));
  }
  if (media && media.examples) {
    for (const one of Object.values(media.examples)) body.push(make("pre", {}, JSON.stringify(one.value, null, 2)));
  } else if (media && media.schema && media.schema.$ref) {
    body.push(...schemaView(media.schema), make("pre", {}, JSON.stringify(exampleOf(media.schema), null, 2)));
  }
  return make("details", { class: "response" },
    make("summary", {},
      make("span", { class: `status${status >= 400 ? " bad" : ""}` }, status),
      make("span", { class: "summary" }, response.description),
      make("span", { class: "soft" }, mediaType || ""),
    ), ...body);
};

const answerView = async (answer) => {
  const text = await answer.text();
  let shown = text;
  try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* Not JSON: as it came. */ }
  const told = ["etag", "idempotent-replayed", "retry-after", "allow"]
    .filter((name) => answer.headers.has(name)).map((name) => `${name}: ${answer.headers.get(name)}`);
  return [
    make("p", {}, make("span", { class: `status${answer.ok ? "" : " bad"}` }, `${answer.status} ${answer.statusText}`)),
    told.length ? make("p", { class: "soft" }, told.join(" · ")) : null,
    shown ? make("pre", { tabindex: "0" }, shown) : null,
  ].filter(Boolean);
};

const tryForm = (method, path, operation) => {
  const parameters = (operation.parameters || []).map(resolve);
  const inputs = parameters.map((one) => {
    const automatic = one.name === "Idempotency-Key";
    const input = make("input", {
      name: one.name, required: one.required, autocomplete: "off",
      value: automatic ? crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}` : one.in === "path" ? "1" : null,
    });
    return { one, input, automatic };
  });
  const media = operation.requestBody?.content["application/json"];
  const body = media ? make("textarea", { spellcheck: "false", "aria-label": "Body" }) : null;
  if (body) body.value = JSON.stringify(startOf(media.schema), null, 2);
  const output = make("div", { "aria-live": "polite" });
  const button = make("button", {}, "Send");
  const send = async (event) => {
    event.preventDefault();
    button.disabled = true;
    let target = path;
    const query = new URLSearchParams();
    const headers = {};
    for (const { one, input } of inputs) {
      if (one.in === "path") target = target.replace(`{${one.name}}`, encodeURIComponent(input.value));
      else if (!input.value) continue;
      else if (one.in === "query") query.set(one.name, input.value);
      else headers[one.name] = input.value;
    }
    if (access) headers.Authorization = `Bearer ${access}`;
    if (body && body.value.trim()) headers["Content-Type"] = "application/json";
    const address = query.size ? `${target}?${query}` : target;
    try {
      const answer = await fetch(address, {
        credentials: "omit", // Two log-ins at once would be refused: here, the token alone counts.
        method, headers, body: headers["Content-Type"] ? body.value : undefined, cache: "no-store",
      });
      output.replaceChildren(...await answerView(answer));
    } catch (error) {
      output.replaceChildren(make("p", { class: "bad" }, `No answer: ${error.message}`));
    }
    button.disabled = false;
  };
  return make("form", { onsubmit: send },
    ...inputs.map(({ one, input, automatic }) => make("label", {},
      make("code", {}, one.name), one.required ? " *" : "", automatic ? " (made up; change it for another purchase)" : "", input)),
    body, make("p", {}, button), output);
};

const operationView = (method, path, operation) => {
  const parameters = (operation.parameters || []).map(resolve);
  const media = operation.requestBody?.content["application/json"];
  const login = operation.security.length === 0 ? "open" : operation.security.length > 1 ? "log-in optional" : "log-in needed";
  const view = make("details", { class: "operation", id: operation.operationId },
    make("summary", {},
      make("span", { class: `method ${method.toLowerCase()}` }, method),
      make("span", { class: "path" }, path),
      make("span", { class: "summary" }, operation.summary),
      make("span", { class: "lock" }, login)));
  // Made when first opened: the whole contract at once would keep a phone busy.
  view.addEventListener("toggle", () => {
    if (!view.open || view.querySelector(".inner")) return;
    const rows = parameters.map((one) => make("tr", {},
      make("th", { scope: "row" }, make("code", {}, one.name), one.required ? " *" : ""),
      make("td", {}, one.in), make("td", { class: "rules" }, typeOf(one.schema), " ", rulesOf(one.schema), " ", ...prose(one.description || ""))));
    view.append(make("div", { class: "inner" },
      make("p", {}, ...prose(operation.description || "")),
      rows.length ? make("h4", {}, "Parameters") : null,
      rows.length ? make("div", { class: "scroll" }, make("table", {}, make("tbody", {}, ...rows))) : null,
      media ? make("h4", {}, operation.requestBody.required ? "Body" : "Body (may be left out)") : null,
      ...(media ? schemaView(media.schema) : []),
      media ? make("pre", {}, JSON.stringify(exampleOf(media.schema), null, 2)) : null,
      make("h4", {}, "Answers"),
      ...Object.entries(operation.responses).map(([status, response]) => responseView(status, response)),
      make("h4", {}, "Try it"),
      tryForm(method, path, operation)));
  });
  return view;
};

const open = (id) => {
  const target = id && document.getElementById(id);
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
  }
};

const render = () => {
  document.getElementById("version").textContent = contract.info.version;
  document.getElementById("about").replaceChildren(make("p", {}, ...prose(contract.info.description)));
  const contents = [];
  const sections = [];
  for (const tag of contract.tags) {
    const links = [];
    const views = [];
    for (const [path, item] of Object.entries(contract.paths)) {
      for (const [method, operation] of Object.entries(item)) {
        if (!operation.tags.includes(tag.name)) continue;
        const words = `${method} ${path} ${operation.summary} ${operation.operationId} ${tag.name}`.toLowerCase();
        const view = operationView(method.toUpperCase(), path, operation);
        view.dataset.words = words;
        views.push(view);
        links.push(make("li", { "data-words": words }, make("a", { href: `#${operation.operationId}` }, operation.summary)));
      }
    }
    contents.push(make("section", {}, make("h3", {}, tag.name), make("ul", {}, ...links)));
    sections.push(make("section", {}, make("h2", {}, tag.name), make("p", { class: "soft" }, tag.description), ...views));
  }
  document.getElementById("contents").replaceChildren(...contents);
  document.getElementById("operations").replaceChildren(...sections);
};

const filter = (event) => {
  const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const element of document.querySelectorAll("[data-words]")) {
    element.hidden = !words.every((word) => element.dataset.words.includes(word));
  }
  for (const section of document.querySelectorAll("#operations > section, #contents > section")) {
    section.hidden = !section.querySelector("[data-words]:not([hidden])");
  }
};

const logIn = async (event) => {
  event.preventDefault();
  const form = event.target;
  const who = document.getElementById("who");
  const answer = await fetch("/v1/auth/login", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ username: form.username.value, password: form.password.value }),
  });
  const told = await answer.json();
  who.classList.toggle("bad", !answer.ok);
  if (answer.ok) {
    access = told.access;
    form.reset();
    who.textContent = `${told.user.username} (${told.user.roles.join(", ")}), for ${told.expires_in / 60} minutes. ${told.message ?? ""}`;
    document.getElementById("logout").hidden = false;
  } else {
    who.textContent = told.detail;
  }
};

const logOut = async () => {
  const headers = { Authorization: `Bearer ${access}` };
  await fetch("/v1/auth/logout", { method: "POST", headers, credentials: "omit" });
  access = null;
  document.getElementById("logout").hidden = true;
  document.getElementById("who").textContent = "Nobody: only open operations will answer.";
};

document.getElementById("filter").addEventListener("input", filter);
document.getElementById("login").addEventListener("submit", logIn);
document.getElementById("logout").addEventListener("click", logOut);
addEventListener("hashchange", () => open(location.hash.slice(1)));
try {
  contract = await (await fetch("/openapi.json")).json();
  render();
  open(location.hash.slice(1));
} catch (error) {
  document.getElementById("operations").replaceChildren(make("p", { class: "bad" }, `The contract did not load: ${error.message}`));
}
