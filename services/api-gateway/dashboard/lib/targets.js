// Sending judged rows to a campaign: in one request where they fit, as an import where they do not.
import { post, request } from "./api.js";
import { toCsv } from "./csv.js";

export const ROWS_MAX = 10000;

// Answers {appended} or {import}.
export async function sendTargets(campaignId, judged) {
  if (judged.rows.length <= ROWS_MAX)
    return { appended: await post(`/v1/campaigns/${campaignId}/targets`, { targets: judged.rows }) };
  return { import: await request("POST", `/v1/campaigns/${campaignId}/imports`,
    { body: new Blob([toCsv(judged.rows)]), type: "text/csv" }) };
}
