// Where one can go: [group, [[page, name, key after g], …]].
export const PLACES = [
  ["Calling", [["campaigns", "Campaigns", "c"], ["calls", "Scheduled calls", "s"], ["conversations", "Conversations", "v"]]],
  ["Telling", [["webhooks", "Webhooks", "w"]]],
  ["From and to", [["numbers", "Numbers", "n"], ["trunks", "Trunks", "t"], ["agents", "Agents", "a"],
    ["suppressions", "Suppressions", "x"]]],
  ["Running it", [["workspace", "Workspace", "l"], ["keys", "API keys", "k"], ["audit", "Audit log", "u"],
    ["system", "System", "y"]]],
];
