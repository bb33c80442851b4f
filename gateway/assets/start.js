// Starts GraphiQL on this server's own /graphql.
"use strict";

const { tabs } = JSON.parse(document.getElementById("config").textContent);

// Server-sent events carry queries, mutations and subscriptions alike; fetch keeps cookies and headers.
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      buffer += value.replaceAll("\r", "");
      let end;
      while ((end = buffer.indexOf("\n\n")) >= 0) {
        const lines = buffer.slice(0, end).split("\n");
        buffer = buffer.slice(end + 2);
        const field = (name) =>
          lines.filter((l) => l.startsWith(name + ":")).map((l) => l.slice(name.length + 1).trimStart()).join("\n");
        if (field("event") === "complete") return;
        if (field("event") === "next") yield JSON.parse(field("data"));
      }
    }
  } finally {
    await reader.cancel();
  }
}

function isSubscription({ query, operationName }, documentAST) {
  const operations = (documentAST?.definitions ?? []).filter((d) => d.kind === "OperationDefinition");
  const chosen = operationName ? operations.find((o) => o.name?.value === operationName) : operations[0];
  return chosen?.operation === "subscription";
}

async function fetcher(params, options = {}) {
  const live = isSubscription(params, options.documentAST);
  const accept = live ? "text/event-stream" : "application/graphql-response+json, application/json;q=0.9";
  const response = await fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", accept, ...options.headers },
    body: JSON.stringify(params),
  });
  const streaming = response.headers.get("content-type")?.startsWith("text/event-stream");
  return streaming ? events(response) : response.json();
}

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher,
    defaultTabs: tabs.length ? tabs : undefined,
    shouldPersistHeaders: false,
    defaultEditorToolsVisibility: true,
  }),
);
