-- Which of these attempts are still open, in anybody's hands. Rare: for terminal events of a dialer
-- about attempts that this dispatcher does not know.
-- $1 attempt_ids uuid[]
-- rows: attempt_id uuid
SELECT id FROM attempt WHERE id = ANY ($1)
