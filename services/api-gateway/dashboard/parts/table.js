// Tables and their ends: empty, loading, more to come.
import { html } from "../lib/h.js";
import { Button, Failure, Loading } from "./ui.js";

const UNNAMED = ["acts", "pick"]; // kinds whose name is for the ear only

// columns: [{key, name, cell(row), kind: "num" | "wide" | "acts" | "pick"}]; a "wide" one is left out on a phone.
export function Table({ caption, columns, rows, rowClass }) {
  return html`<div class="table-box" tabindex="0" role="region" aria-label=${caption}>
    <table><caption class="hidden">${caption}</caption>
    <thead><tr>${columns.map((c) => html`<th key=${c.key} scope="col" class=${c.kind || ""}>
      ${UNNAMED.includes(c.kind) ? html`<span class="hidden">${c.name}</span>` : c.name}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr key=${row.id} class=${rowClass ? rowClass(row) : ""}>
      ${columns.map((c) => html`<td key=${c.key} class=${c.kind || ""}>${c.cell(row)}</td>`)}</tr>`)}</tbody>
    </table></div>`;
}

export function ListTable({ list, empty, what = "rows", ...table }) {
  if (list.loading && !list.rows.length && !list.error) return html`<${Loading} />`;
  return html`<${Failure} error=${list.error} retry=${list.reload} />
    ${list.rows.length > 0 && html`<${Table} ...${table} rows=${list.rows} />`}
    ${!list.rows.length && !list.error && empty}
    ${list.hasMore && html`<div class="more"><${Button} onClick=${list.more} busy=${list.busy}>
      ${list.busy ? "Loading …" : `Show more ${what}`}<//></div>`}`;
}
