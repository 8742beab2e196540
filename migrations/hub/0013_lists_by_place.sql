-- What the list of products walks along, newest first, for the filters that people set: crop, region, both. What is on sale is
-- asked for by nearly everybody, and is all that these hold (0 is sync-protocol's ListingStatus::Active).
--
-- A listing's region is its cooperative's. It is kept here too, by the database itself, so that it is true whoever writes.
ALTER TABLE listings ADD COLUMN region_id int;
UPDATE listings l SET region_id = k.region_id FROM cooperatives k WHERE k.id = l.cooperative_id AND k.region_id IS NOT NULL;

CREATE FUNCTION listings_take_region() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.region_id := (SELECT region_id FROM cooperatives WHERE id = NEW.cooperative_id);
    RETURN NEW;
END $$;
CREATE TRIGGER listings_take_region BEFORE INSERT OR UPDATE OF cooperative_id ON listings
    FOR EACH ROW EXECUTE FUNCTION listings_take_region();

CREATE FUNCTION cooperatives_give_region() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE listings SET region_id = NEW.region_id WHERE cooperative_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER cooperatives_give_region AFTER UPDATE OF region_id ON cooperatives
    FOR EACH ROW WHEN (OLD.region_id IS DISTINCT FROM NEW.region_id) EXECUTE FUNCTION cooperatives_give_region();

CREATE INDEX listings_by_crop_and_region ON listings (commodity_id, region_id, recorded_at DESC, id DESC) WHERE status = 0;
CREATE INDEX listings_by_crop ON listings (commodity_id, recorded_at DESC, id DESC) WHERE status = 0;
CREATE INDEX listings_by_region ON listings (region_id, recorded_at DESC, id DESC) WHERE status = 0;
CREATE INDEX listings_by_cooperative ON listings (cooperative_id, recorded_at DESC, id DESC) WHERE status = 0;
