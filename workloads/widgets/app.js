// The order form: asks CCAuth through the page's own server and shows what it said, and no more than it said.

const PATIENCE_SECONDS = 20; // nginx.conf gives up sooner and says so
const MOST = 999;

const form = document.getElementById("order");
const card = document.getElementById("card");
const quantity = document.getElementById("quantity");
const buy = document.getElementById("buy");
const result = document.getElementById("result");

const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });

// ---- the order: whole cents, because 0.1 + 0.2 is not 0.3

function readOrder() {
  const widget = form.querySelector("input[name=widget]:checked");
  const count = /^[0-9]{1,3}$/.test(quantity.value.trim()) ? Number(quantity.value) : 0;
  const cents = Number(widget.dataset.cents) * count;
  return { name: widget.value, count, cents, ccNum: withoutGrouping(card.value) };
}

// "4111 1111-1111" is one number; a dash in front of one is not grouping, and CCAuth shall say what it thinks
// of it.
function withoutGrouping(text) {
  return text.trim().replace(/(?<=[0-9])[\s-]+(?=[0-9])/g, "");
}

function decimal(cents) {
  return `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`;
}

// ---- the question and its possible answers

async function authorize({ ccNum, cents }) {
  const query = new URLSearchParams({ ccNum, amount: decimal(cents) });
  const started = performance.now();
  try {
    const signal = AbortSignal.timeout(PATIENCE_SECONDS * 1000);
    const options = { signal, cache: "no-store", credentials: "omit" };
    const response = await fetch(`api/authorize?${query}`, options);
    const said = jsonString(await response.text());
    return { ...outcome(response.status, said), trail: trail(response.headers, performance.now() - started) };
  } catch (problem) {
    const late = problem.name === "TimeoutError";
    const tooLate = `There was no answer within ${PATIENCE_SECONDS} seconds.`;
    return unavailable(late ? tooLate : "The shop's server cannot be reached.");
  }
}

function outcome(status, said) {
  const code = /^Auth Code: ([0-9]{4})$/.exec(said ?? "");
  if (status === 200 && code) return { state: "approved", code: code[1] };
  if (status === 200 && said === "Declined") return { state: "declined" };
  if (status === 400 && said) return { state: "invalid", sentence: said };
  return unavailable(said ?? `The server answered with HTTP ${status}.`);
}

function unavailable(reason) {
  return { state: "unavailable", reason };
}

function jsonString(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "string" ? value : null;
  } catch {
    return null; // an HTML error page, say
  }
}

// Where the answer came from, as far as the response tells.
function trail(headers, milliseconds) {
  const node = headers.get("X-CCAuth-Node");
  const rows = [
    ["Answered by", node ? `CCAuth on ${node}` : "CCAuth"],
    ["Its system", headers.get("X-CCAuth-OS")],
    ["Its runtime", headers.get("X-CCAuth-Runtime")?.replace(/\s*\(.*\)$/, "")], // the build date is no news
    ["Asked by pod", headers.get("X-Widgets-Pod")],
    ["Round trip", `${Math.round(milliseconds)} ms`],
  ];
  return rows.filter(([, value]) => value);
}

// ---- what the customer sees

const views = {
  idle: () => [],
  waiting: () => [note("Asking CCAuth for an authorization…")],
  approved: (order, { code, trail }) => slip(order, trail, verdict("Approved"), codeLine(code)),
  declined: (order, { trail }) =>
    slip(order, trail, verdict("Declined"),
      note("Nothing was charged. Try another card, or a smaller order.")),
  invalid: (_, { sentence }) => [
    verdict("Not accepted"),
    el("p", { id: "sentence", class: "note" }, sentence),
  ],
  unavailable: (_, { reason }) => [
    verdict("Payment service unavailable"),
    note(`${reason} No authorization was received.`),
    el("button", { type: "submit", class: "again" }, "Try again"),
  ],
};

function show(state, order, answer) {
  result.dataset.state = state;
  result.replaceChildren(...views[state](order, answer));
  result.scrollIntoView({ block: "nearest" });
}

function verdict(text) {
  return el("p", { class: "verdict" }, text);
}

function note(text) {
  return el("p", { class: "note" }, text);
}

function slip({ name, count, cents, ccNum }, rows, head, ...rest) {
  const lines = [[`${count} × ${name}`, dollars.format(cents / 100)], ["Card", `•••• ${ccNum.slice(-4)}`]];
  return [head, ...rest, list("lines", lines), list("trail", rows)];
}

function codeLine(code) {
  return el("p", { class: "code" }, el("span", {}, "Auth code "), el("strong", { id: "auth-code" }, code));
}

function list(name, rows) {
  const line = ([term, value]) => el("div", {}, el("dt", {}, term), " ", el("dd", {}, value));
  return el("dl", { class: name }, ...rows.map(line));
}

function el(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function mark(input, isWrong) {
  input.setAttribute("aria-invalid", String(isWrong));
  if (isWrong) input.focus();
}

// ---- events

async function placeOrder(event) {
  event.preventDefault();
  if (form.getAttribute("aria-busy") === "true") return;
  const order = readOrder();
  if (!checkQuantity(order)) return;
  busy(true);
  show("waiting");
  const answer = await authorize(order);
  busy(false);
  show(answer.state, order, answer);
  mark(card, answer.state === "invalid" && answer.sentence.startsWith("ccNum"));
}

// The amount is the page's own sum, so this one number is the page's to judge; all else is CCAuth's.
function checkQuantity({ count }) {
  document.getElementById("quantity-problem").hidden = count >= 1;
  mark(quantity, count < 1);
  return count >= 1;
}

function busy(is) {
  form.setAttribute("aria-busy", String(is));
  buy.disabled = is;
}

function step(by) {
  const { count } = readOrder();
  quantity.value = Math.min(MOST, Math.max(1, count + by));
  refresh();
}

function refresh() {
  const order = readOrder();
  if (order.count >= 1) checkQuantity(order);
  document.getElementById("total").value = order.count >= 1 ? dollars.format(order.cents / 100) : "";
}

form.addEventListener("submit", placeOrder);
form.addEventListener("input", refresh);
card.addEventListener("input", () => mark(card, false));
document.getElementById("fewer").addEventListener("click", () => step(-1));
document.getElementById("more").addEventListener("click", () => step(+1));
refresh(); // a reload may keep what was typed
