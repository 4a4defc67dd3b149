// A counter in this process's memory, and visitors known by a session cookie that is also kept in memory.
"use strict";

const crypto = require("node:crypto");
const express = require("express");

const port = Number(process.argv[2] ?? process.env.PORT ?? 3000);
const app = express();
const sessions = new Map(); // id in the cookie -> visits
let counter = 0;

function sessionId(request) {
  const cookie = (request.headers.cookie ?? "").split("; ").find((part) => part.startsWith("sid="));
  return cookie?.slice("sid=".length);
}

app.get("/", (request, response) => {
  let id = sessionId(request);
  if (!sessions.has(id)) {
    id = crypto.randomUUID();
    sessions.set(id, 0);
    response.cookie("sid", id, { httpOnly: true, sameSite: "lax" });
  }
  sessions.set(id, sessions.get(id) + 1);
  response.json({ process: process.pid, visits: sessions.get(id), counter });
});

app.post("/count", (request, response) => {
  counter += 1;
  response.json({ process: process.pid, counter });
});

const server = app.listen(port, "127.0.0.1", (error) => {
  if (error) throw error;
  console.log(`listening on port ${port}`);
});

// Finish what was begun, then go.
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
