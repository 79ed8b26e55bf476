// Numbers from what somebody pasted or dropped: one per line, separated by commas, or CSV with a header
// row as the API's imports take it. What would be refused is counted with its reason before anything is sent.
const NUMBER_COLUMNS = ["to_number", "phone", "phone_number", "number"];
const KNOWN = ["name", "external_id", "timezone"];
const TURN_ROWS = 20000;
const FAULTS_MAX = 1000;

const isE164 = (text) => /^\+[1-9][0-9]{6,14}$/.test(text);

function reasonAgainst(text) {
  if (text === "") return "no number";
  if (!text.startsWith("+")) return "needs a plus and the country code, such as +14155550123";
  if (/[^+0-9]/.test(text)) return "only digits after the plus";
  if (text.startsWith("+0")) return "a country code does not begin with 0";
  const digits = text.length - 1;
  if (digits < 7) return "too few digits";
  if (digits > 15) return "more than 15 digits";
  return isE164(text) ? null : "not a phone number";
}

// Rows of RFC 4180, one at a time, with the line that each begins on.
function* records(text) {
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  let line = 1;
  while (at < text.length) {
    const fields = [];
    const began = line;
    for (let more = true; more;) {
      let value = "";
      if (text[at] === '"') {
        for (at++; at < text.length; at++) {
          if (text[at] === '"' && text[at + 1] === '"') value += text[at++];
          else if (text[at] === '"') break;
          else {
            if (text[at] === "\n") line++;
            value += text[at];
          }
        }
        at++;
      }
      const from = at;
      while (at < text.length && text[at] !== "," && text[at] !== "\n") at++;
      value += text.slice(from, at).replace(/\r$/, "");
      fields.push(value);
      more = text[at] === ",";
      at++;
    }
    line++;
    yield { fields, line: began };
  }
}

function headerOf(text) {
  const first = records(text).next();
  if (first.done) return null;
  const names = first.value.fields.map((f) => f.trim().toLowerCase());
  const number = names.findIndex((n) => NUMBER_COLUMNS.includes(n));
  return number < 0 ? null : { names: first.value.fields.map((f) => f.trim()), lower: names, number };
}

function rowOf(header, fields) {
  const row = { to_number: (fields[header.number] || "").trim() };
  const variables = {};
  header.lower.forEach((lower, i) => {
    const cell = fields[i] || "";
    if (i === header.number || cell === "" || lower === "") return;
    if (KNOWN.includes(lower)) row[lower] = cell;
    else variables[header.names[i]] = cell;
  });
  if (Object.keys(variables).length) row.variables = variables;
  return row;
}

// Bare numbers: blanks inside a number, hyphens and parentheses are how people write them.
function* bareRows(text) {
  let line = 0;
  for (const part of text.split("\n")) {
    line++;
    for (const piece of part.split(/[,;\t]/)) {
      const value = piece.replace(/[\s().\-\u00a0]/g, "");
      if (value !== "") yield { row: { to_number: value }, line };
    }
  }
}

function* csvRows(text, header) {
  let isFirst = true;
  for (const record of records(text)) {
    if (isFirst) isFirst = false;
    else if (record.fields.some((f) => f.trim() !== "")) yield { row: rowOf(header, record.fields), line: record.line };
  }
}

// Judges all rows, in turns so that the page stays alive. Answers null once isStale() says so.
export async function judge(text, isStale = () => false) {
  const header = headerOf(text);
  const found = { header, rows: [], received: 0, valid: 0, duplicates: 0, bad: 0, faults: [] };
  const seen = new Set();
  let n = 0;
  for (const { row, line } of header ? csvRows(text, header) : bareRows(text)) {
    if (++n % TURN_ROWS === 0) {
      await new Promise((resolve) => { setTimeout(resolve); });
      if (isStale()) return null;
    }
    found.received++;
    const reason = reasonAgainst(row.to_number);
    if (reason) {
      found.bad++;
      if (found.faults.length < FAULTS_MAX) found.faults.push({ line, value: row.to_number, reason });
    } else if (seen.has(row.to_number)) {
      found.duplicates++;
      if (found.faults.length < FAULTS_MAX) found.faults.push({ line, value: row.to_number, reason: "stands above already" });
    } else {
      seen.add(row.to_number);
      found.valid++;
      found.rows.push(row);
    }
  }
  return isStale() ? null : found;
}

const quoted = (value) => (/[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

// CSV for an import, from rows that have been judged.
export function toCsv(rows) {
  const names = [...new Set(rows.flatMap((r) => Object.keys(r.variables || {})))];
  const lines = [["to_number", ...KNOWN, ...names].map(quoted).join(",")];
  for (const r of rows)
    lines.push([r.to_number, ...KNOWN.map((k) => r[k] || ""), ...names.map((n) => (r.variables || {})[n] || "")].map(quoted).join(","));
  return `${lines.join("\n")}\n`;
}
