// More targets for a campaign that is there already.
import { html, useState } from "../lib/h.js";
import { about, number, plural } from "../lib/format.js";
import { sendTargets } from "../lib/targets.js";
import { Dialog } from "./dialog.js";
import { Form, useForm } from "./form.js";
import { NumbersInput } from "./numbers_input.js";
import { tell } from "./toast.js";

export function AddTargets({ campaign, onClose, onDone }) {
  const form = useForm({});
  const [judged, setJudged] = useState(null);
  const [fault, setFault] = useState(null);
  const save = async () => {
    if (!judged || !judged.valid) {
      setFault("There is no valid number to add.");
      return;
    }
    setFault(null);
    const sent = await form.send(() => sendTargets(campaign.id, judged));
    if (!sent) return;
    if (sent.appended) {
      const { inserted, deduped, rejected } = sent.appended;
      tell(`${plural(inserted, "target")} added, ${number(deduped)} there already, ${number(rejected)} refused.`);
    }
    onDone();
    onClose();
  };
  return html`<${Dialog} title="Add targets" onClose=${onClose} wide><div class="dialog-body">
    <${Form} form=${form} onSubmit=${save} onCancel=${onClose} submit=${judged && judged.valid ? `Add ${plural(judged.valid, "target")}` : "Add targets"}>
      <${NumbersInput} onJudged=${(found) => { setJudged(found); setFault(null); }} fault=${fault} />
      ${judged && judged.valid > 0 && html`<p class="dim">At ${number(campaign.rate_limit_per_minute)} a minute: ${about((60 * judged.valid) / campaign.rate_limit_per_minute)} more.</p>`}
    <//></div><//>`;
}
