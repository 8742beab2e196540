-- Undecided commands by the id with which the body of a posting begins, after a byte for the list and one for the id's length: whoever needs
-- a listing that is not here looks for the posting that will make it.
CREATE INDEX commands_open_posts ON commands (substring(body FROM 3 FOR 16)) WHERE verdict IN ('held', 'quarantined', 'unsupported');
