-- Gives the gateway's role its rights; admin_role_function comes before it in the same session.
-- $1 password text
-- $2 script text
-- rows: is_there bool
SELECT pg_temp.give_rights($1, $2) AS is_there
