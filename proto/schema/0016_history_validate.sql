-- History by time, the second step: reads the tables through and finds that they hold nothing younger
-- than the day of 0015. SHARE UPDATE EXCLUSIVE: nobody who reads or writes waits for it.
ALTER TABLE attempt_done VALIDATE CONSTRAINT history_before;
ALTER TABLE conversation VALIDATE CONSTRAINT history_before;
ALTER TABLE delivery_attempt VALIDATE CONSTRAINT history_before;
ALTER TABLE delivery_done VALIDATE CONSTRAINT history_before;
ALTER TABLE event VALIDATE CONSTRAINT history_before;
ALTER TABLE scheduled_call_done_default VALIDATE CONSTRAINT history_before;
