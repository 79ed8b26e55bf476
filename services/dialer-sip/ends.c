/* How a call ends: who did it, what is told, and what becomes of the legs. */
#include "call.h"
#include "sys/log.h"

#define THROTTLE_DEFAULT_US USEC_PER_SEC
#define REASON_NO_AGENT "Reason: SIP;cause=480;text=\"Agent unavailable\"\r\n"

void call_end(struct call *c, int64_t sip, struct dialer_end end)
{
	struct leg *callee = c->callee, *agent = c->agent;
	bool is_without_agent =
		end.outcome == OUTCOME_AGENT_UNAVAILABLE && end.by != DIALER_BY_CARRIER;

	c->callee = c->agent = NULL;
	call_set_step(c, CALL_OVER);
	leg_drop(callee, is_without_agent ? REASON_NO_AGENT : NULL);
	leg_drop(agent, NULL);
	trunk_leave(&c->ticket);
	desk_ended(calls_desk(c->calls), &c->held, sip, end);
	call_record(c);
	log_debug("call_ended", LID("attempt", ID_ATTEMPT, c->held.id),
		  LS("outcome", outcome_name(end.outcome)), LI("sip", sip), LI("q850", end.q850));
}

void call_end_talked(struct call *c, enum dialer_by by, int q850)
{
	call_end(c, 200,
		 (struct dialer_end){
			 .outcome = OUTCOME_ANSWERED, .q850 = q850 ? q850 : 16, .by = by });
}

void call_end_unjoined(struct call *c, enum dialer_by by, int status)
{
	log_info("call_unjoined", LID("attempt", ID_ATTEMPT, c->held.id),
		 LS("by", by == DIALER_BY_AGENT ? "agent" : "carrier"), LI("sip", status));
	call_end(c, c->held.state == DIALER_STATE_ANSWERED ? 200 : 487,
		 (struct dialer_end){ .outcome = OUTCOME_AGENT_UNAVAILABLE, .by = by });
}

void call_join_timeout(struct call *c)
{
	call_end_unjoined(c, c->agent_step == AGENT_JOINED ? DIALER_BY_CARRIER : DIALER_BY_AGENT,
			  0);
}

static enum dialer_by ended_by(const struct call *c, enum outcome o)
{
	if (o == OUTCOME_CARRIER_ERROR)
		return DIALER_BY_CARRIER;
	if (c->is_timed_out || c->is_hungup)
		return DIALER_BY_US;
	return o == OUTCOME_BUSY || o == OUTCOME_NO_ANSWER || o == OUTCOME_REJECTED
		       ? DIALER_BY_CALLEE
		       : DIALER_BY_CARRIER;
}

void call_end_refused(struct call *c, const struct leg_message *m)
{
	struct outcome_sip s = { .status = m->status,
				 .q850 = m->q850,
				 .has_rung = c->held.has_rung,
				 .has_timed_out = c->is_timed_out,
				 .has_retry_after = m->has_retry_after };
	const struct sip_trunk *t = c->ticket.trunk ? trunk_settings(c->ticket.trunk) : NULL;
	struct dialer_end end = { .q850 = m->q850, .retry_after_us = m->retry_after_us };

	/* We gave up on a phone that rang: whether the carrier confirms it changes nothing. */
	if (c->is_timed_out && (m->status == 0 || m->status == 408) && c->held.has_rung)
		s.status = 487;
	end.outcome = t ? sip_trunk_outcome(t, &s) : outcome_from_sip(&s);
	if (m->is_denied)
		end.outcome = OUTCOME_CONFIG_ERROR;
	end.by = ended_by(c, end.outcome);
	if (m->failure)
		log_info("call_failed", LID("attempt", ID_ATTEMPT, c->held.id),
			 LS("reason", m->failure));
	if (end.outcome == OUTCOME_RATE_LIMITED && c->ticket.trunk)
		trunk_throttle(c->ticket.trunk,
			       end.retry_after_us > 0 ? end.retry_after_us : THROTTLE_DEFAULT_US);
	call_end(c, s.status, end);
}

void call_ring_timeout(struct call *c)
{
	struct leg *agent = c->agent;

	c->is_timed_out = true;
	c->agent = NULL;
	leg_drop(agent, NULL);
	call_set_step(c, CALL_CANCELLING);
	leg_cancel(c->callee);
}
