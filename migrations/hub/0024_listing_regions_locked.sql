-- A listing takes its cooperative's region when it is posted. Read without a lock, a region that was changed at the same moment was
-- missed by both: by the posting, which read the old one, and by the change, which did not see the posting yet.
CREATE OR REPLACE FUNCTION listings_take_region() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.region_id := (SELECT region_id FROM cooperatives WHERE id = NEW.cooperative_id FOR SHARE);
    RETURN NEW;
END $$;
UPDATE listings l SET region_id = k.region_id FROM cooperatives k
    WHERE k.id = l.cooperative_id AND k.region_id IS DISTINCT FROM l.region_id;
