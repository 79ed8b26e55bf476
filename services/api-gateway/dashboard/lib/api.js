// Requests to the API. Whatever goes wrong becomes a Problem with the API's own words; a session that is
// over is told to whoever listens, and the request can be made again once somebody has signed in.
let token = null;
let signIns = 0;
const onEnded = new Set();

export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || "Something went wrong.");
    this.status = status;
    this.code = body.code || "";
    this.errors = body.errors || [];
    this.allowed = body.allowed || null;
    this.requestId = body.request_id || "";
  }
}

export function setToken(value) {
  token = value;
  signIns++;
}

// Calls fn when the session has ended; answers how to stop.
export function whenEnded(fn) {
  onEnded.add(fn);
  return () => onEnded.delete(fn);
}

const UNREACHABLE = {
  code: "unreachable",
  detail: "Belfry cannot be reached. Nothing you entered is lost; try again in a moment.",
};
const LATE = {
  code: "no_answer",
  detail: "Belfry did not answer in time. Nothing you entered is lost; try again in a moment.",
};
// How long a request may take, later than the gateway gives its database (15 s to read, 60 s for many rows),
// so that its own words come first; a long body has a millisecond more for each 16 bytes.
const READ_WAIT_MS = 30000;
const WRITE_WAIT_MS = 75000;
const BODY_BYTES_PER_MS = 16;

async function readBody(response) {
  const type = response.headers.get("Content-Type") || "";
  if (response.status === 204 || !type.includes("json")) return null;
  try {
    return await response.json();
  } catch (error) {
    if (error.name === "SyntaxError") return null;
    throw error; // the connection ended on the way
  }
}

// options: body (an object goes as JSON), type (of a body that is text), headers, signal.
export async function request(method, path, options = {}) {
  const headers = { ...options.headers };
  let body = options.body;
  if (body !== undefined && options.type) headers["Content-Type"] = options.type;
  else if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(body);
  }
  if (method !== "GET" && token) headers["X-Belfry-Token"] = token;
  const asked = signIns;
  const abort = new AbortController();
  const stop = () => abort.abort();
  options.signal?.addEventListener("abort", stop);
  const size = body?.size ?? body?.length ?? 0;
  const waitMs = method === "GET" ? READ_WAIT_MS : WRITE_WAIT_MS;
  const timer = setTimeout(stop, waitMs + size / BODY_BYTES_PER_MS);
  let response;
  let data;
  try {
    response = await fetch(path, {
      method, headers, body, signal: abort.signal, credentials: "same-origin", cache: "no-store",
    });
    data = await readBody(response);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Problem(0, abort.signal.aborted ? LATE : UNREACHABLE);
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", stop);
  }
  if (response.ok) return data;
  const problem = new Problem(response.status, data || { detail: `The answer was ${response.status}.` });
  // What was asked for under a session of before says nothing about the one of now.
  if (response.status === 401 && !headers.Authorization && asked === signIns) for (const fn of onEnded) fn(problem);
  throw problem;
}

export const get = (path, options) => request("GET", path, options);
export const post = (path, body = {}, options = {}) => request("POST", path, { ...options, body });
export const patch = (path, body) => request("PATCH", path, { body });
export const del = (path) => request("DELETE", path);

export function query(path, params) {
  const pairs = Object.entries(params).filter(([, v]) => v !== undefined && v !== null && v !== "");
  return pairs.length ? `${path}?${new URLSearchParams(pairs)}` : path;
}

// For a form that makes something: the same content goes under the same key, so sending it again after a
// lost answer makes nothing twice.
export function onceKey() {
  let text = null;
  let key = null;
  return (body) => {
    const now = JSON.stringify(body);
    if (now !== text) {
      text = now;
      key = [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
    }
    return { headers: { "Idempotency-Key": key } };
  };
}
