-- Recurring campaigns and ad hoc calls.

-- next_occurrence_at is the first occurrence that is not materialized yet, or the instant at which
-- the scheduler shall look (started, resumed, edited: at once). NULL: nothing is to be planned.
ALTER TABLE campaign_plan
	-- Occurrences up to this instant are planned, or passed over for good (a pause, an edit).
	ADD COLUMN planned_after timestamptz,
	-- Of a fixed-time schedule: the nominal local minute of the last planned occurrence of this
	-- version, in minutes since 1970. What an update of tzdata moves is not planned again.
	ADD COLUMN planned_nominal bigint,
	-- The version of the time zone database that the open calls were planned with.
	ADD COLUMN tzdata text;
CREATE INDEX campaign_plan_next ON campaign_plan (next_occurrence_at, campaign_id)
	WHERE next_occurrence_at IS NOT NULL;

-- What the scheduler looks through every few seconds: neither kind among the other's.
CREATE INDEX campaign_live_bulk ON campaign (id)
	WHERE kind = 'bulk' AND status IN ('active', 'paused');
CREATE INDEX campaign_live_recurring ON campaign (id)
	WHERE kind = 'recurring' AND status IN ('active', 'paused');
CREATE INDEX campaign_ending ON campaign (end_at)
	WHERE kind = 'recurring' AND status IN ('active', 'paused') AND end_at IS NOT NULL;
CREATE INDEX campaign_cancelled ON campaign (id) WHERE status = 'cancelled';

ALTER TABLE scheduled_call
	-- An attempt that was not claimed so long after its own due time is not made: the call fails,
	-- outcome expired. NULL: late is better than never.
	ADD COLUMN catch_up_s int,
	-- The campaign's next occurrence: a retry due then or later is not made.
	ADD COLUMN retry_before timestamptz;
ALTER TABLE scheduled_call_done
	ADD COLUMN catch_up_s int,
	ADD COLUMN retry_before timestamptz;

-- Many calls may be due at one instant: a page goes on behind the id of the last one.
DROP INDEX scheduled_call_due;
CREATE INDEX scheduled_call_due ON scheduled_call (due_at, id) WHERE due_at IS NOT NULL;
