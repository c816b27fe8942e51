"use strict";

const $ = (id) => document.getElementById(id);
const state = { account: null, accounts: [], conversations: [], chosen: null, loaded: false, listed: "", drawn: "" };
const POLL_MILLISECONDS = 700;
const SHOWS_TYPING = ["Channel::WebWidget", "Channel::Api"]; // typing never reaches WhatsApp and its like
const TYPES = { incoming: 0, activity: 2 };

async function call(method, path, body, token = "") {
  const options = { method, headers: { "Api-Access-Token": token } };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const answer = await fetch(`/simulator${path}`, options);
  const value = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(value.error || `${method} ${path}: ${answer.status}`);
  return value;
}

const inAccount = (path) => `/accounts/${state.account.id}${path}`;
const inConversation = (path = "") => inAccount(`/conversations/${state.chosen}${path}`);
const chosen = () => state.conversations.find((one) => one.id === state.chosen) ?? null;
const lastText = (one) => one.messages.findLast((said) => said.message_type !== TYPES.activity)?.content ?? "";

// Everything that people or models wrote goes through here as text, never as HTML.
function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined && text !== null) made.textContent = text;
  return made;
}

function tell(error) {
  $("error").textContent = error.message;
  $("error").hidden = false;
  clearTimeout(tell.timer);
  tell.timer = setTimeout(() => { $("error").hidden = true; }, 6000);
}

function act(work) {
  return async (event) => {
    event.preventDefault();
    try { await work(event); await refresh(); } catch (error) { tell(error); }
  };
}

function show(tab) {
  document.body.dataset.tab = tab;
  for (const button of document.querySelectorAll(".tabs button")) {
    button.setAttribute("aria-pressed", String(button.dataset.show === tab));
  }
  for (const log of [$("customer-log"), $("agent-log")]) log.scrollTop = log.scrollHeight;
}

function options(select, rows, chosen) {
  select.replaceChildren(...rows.map(([value, text]) => {
    const option = element("option", "", text);
    option.value = value;
    return option;
  }));
  select.value = chosen;
}

function drawAccounts() {
  const rows = state.accounts.map((one) => [one.id, one.name]);
  options($("account"), rows, state.account.id);
  $("account-choice").hidden = rows.length < 2;
  options($("new-inbox"), state.account.inboxes.map((one) => [one.id, one.name]), state.account.inboxes[0].id);
}

function drawList() {
  const text = JSON.stringify([state.conversations, state.chosen]);
  if (text === state.listed) return;
  state.listed = text;
  const focused = document.activeElement?.dataset?.conversation;
  $("no-conversations").hidden = state.conversations.length > 0;
  $("conversations").replaceChildren(...state.conversations.map((one) => {
    const button = element("button");
    button.type = "button";
    button.dataset.conversation = one.id;
    button.setAttribute("aria-current", String(one.id === state.chosen));
    button.append(
      element("span", "name", one.contact),
      element("span", `chip ${one.status}`, one.status),
      element("span", "where", `${one.inbox} · no. ${one.id}`),
      element("span", "last", one.typing ? `${one.typing} is typing…` : lastText(one)),
    );
    button.addEventListener("click", act(async () => { state.chosen = one.id; show("customer"); }));
    const item = element("li");
    item.append(button);
    return item;
  }));
  if (focused) document.querySelector(`[data-conversation="${focused}"]`)?.focus();
}

const time = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

function customerBubble(message) {
  const own = message.message_type === TYPES.incoming;
  const bubble = element("div", `bubble ${own ? "mine" : "theirs"}`, message.shown);
  bubble.append(element("span", "receipt", time(message.created_at)));
  return bubble;
}

function agentBubble(message) {
  if (message.message_type === TYPES.activity) return element("p", "activity", message.content);
  const incoming = message.message_type === TYPES.incoming;
  const bubble = element("div", `bubble ${message.private ? "note" : incoming ? "theirs" : "mine"}`);
  const bot = message.sender_type === "AgentBot" ? " (bot)" : "";
  const who = `${message.sender?.name || "Automatic"}${bot}`;
  bubble.append(element("span", "by", message.private ? `Private note · ${who}` : who));
  bubble.append(document.createTextNode(message.content ?? ""));
  const failed = message.status === "failed";
  const sign = incoming || message.private ? "" : ` · ${message.status}`;
  const words = failed ? `Not delivered: ${message.content_attributes.external_error}` : time(message.created_at) + sign;
  bubble.append(element("span", failed ? "receipt failed" : "receipt", words));
  return bubble;
}

function drawLog(log, rows) {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  log.replaceChildren(...rows);
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function drawChosen(found) {
  const text = JSON.stringify(found);
  for (const field of document.querySelectorAll("#customer :is(textarea, button), #agent :is(textarea, button, select, input)")) {
    field.disabled = !found;
  }
  if (text === state.drawn) return;
  state.drawn = text;
  $("status").textContent = found ? found.status : "";
  $("status").className = `chip ${found ? found.status : ""}`;
  $("customer-info").textContent = found ? `${found.contact} · ${found.inbox} · conversation ${found.id}` : "";
  $("customer-label").textContent = `Write as ${found ? found.contact : "the customer"}`;
  for (const button of document.querySelectorAll("[data-status]")) {
    button.setAttribute("aria-pressed", String(Boolean(found) && button.dataset.status === found.status));
  }
  const people = state.account.users.map((one) => [one.id, one.name]);
  options($("assignee"), [["", "Nobody"], ...people], found?.assignee_id ?? "");
  if (!found) {
    const hint = state.conversations.length ? "Choose a conversation." : "";
    drawLog($("customer-log"), [element("p", "activity", hint)]);
    drawLog($("agent-log"), [element("p", "activity", hint)]);
    return;
  }
  const typing = () => (found.typing ? [element("p", "typing", `${found.typing} is typing…`)] : []);
  const customerTyping = SHOWS_TYPING.includes(found.channel) ? typing() : [];
  const seen = found.messages.filter((one) => one.shown !== null);
  drawLog($("customer-log"), [...seen.map(customerBubble), ...customerTyping]);
  drawLog($("agent-log"), [...found.messages.map(agentBubble), ...typing()]);
}

async function refresh() {
  state.conversations = await call("GET", inAccount("/conversations"));
  if (!state.conversations.some((one) => one.id === state.chosen)) {
    state.chosen = state.conversations[0]?.id ?? null;
  }
  drawList();
  drawChosen(chosen());
}

async function load() {
  state.accounts = await call("GET", "/accounts");
  state.account = state.accounts.find((one) => one.id === state.account?.id) ?? state.accounts[0];
  drawAccounts();
  await refresh();
}

const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

async function follow() {
  for (;;) {
    try {
      await (state.loaded ? refresh() : load());
      state.loaded = true;
      $("link").textContent = "Live";
      $("link").className = "link live";
      await pause(POLL_MILLISECONDS);
    } catch {
      state.loaded = false;
      $("link").textContent = "No connection, trying again…";
      $("link").className = "link lost";
      await pause(2000);
    }
  }
}

async function sendNew() {
  const given = { contact: $("new-name").value, inbox_id: Number($("new-inbox").value), text: $("new-text").value };
  const { conversation_id: id } = await call("POST", inAccount("/customer"), given);
  $("new-text").value = "";
  state.chosen = id;
  show("customer");
}

async function sendAsCustomer() {
  const found = chosen();
  const given = { contact: found.contact, inbox_id: found.inbox_id, text: $("customer-text").value };
  const { conversation_id: id } = await call("POST", inAccount("/customer"), given);
  $("customer-text").value = "";
  state.chosen = id; // a resolved conversation is often followed by a new one
}

async function sendAsAgent() {
  const note = document.querySelector("[name=kind]:checked").value === "note";
  const agent = state.account.users.find((one) => one.role === "agent");
  const given = { content: $("agent-text").value, private: note };
  await call("POST", `/api/v1${inConversation("/messages")}`, given, agent.token);
  $("agent-text").value = "";
}

function start() {
  $("new").addEventListener("submit", act(sendNew));
  $("customer-form").addEventListener("submit", act(sendAsCustomer));
  $("agent-form").addEventListener("submit", act(sendAsAgent));
  $("account").addEventListener("change", act(async () => {
    state.account = state.accounts.find((one) => one.id === Number($("account").value));
    state.chosen = null;
    drawAccounts();
  }));
  $("assignee").addEventListener("change", act(async () => {
    await call("PATCH", inConversation(), { assignee_id: Number($("assignee").value) || null });
  }));
  for (const button of document.querySelectorAll("[data-status]")) {
    button.addEventListener("click", act(() => call("PATCH", inConversation(), { status: button.dataset.status })));
  }
  for (const button of document.querySelectorAll(".tabs button")) {
    button.addEventListener("click", () => show(button.dataset.show));
  }
  for (const radio of document.querySelectorAll("[name=kind]")) {
    radio.addEventListener("change", () => $("agent-form").classList.toggle("noting", radio.value === "note"));
  }
  for (const area of document.querySelectorAll("textarea")) {
    area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        area.form.requestSubmit();
      }
    });
  }
  follow();
}

start();
