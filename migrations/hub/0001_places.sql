-- Regions of countries, as the price source names them. Countries themselves are a table in the program.
CREATE TABLE regions (
    id      int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    country text NOT NULL CHECK (length(country) = 3),
    name    text NOT NULL,
    CONSTRAINT regions_name_key UNIQUE (country, name)
);

-- Neighbouring regions: an edge's scope takes in its own region's neighbours. Kept both ways round.
CREATE TABLE region_neighbours (
    region_id    int NOT NULL REFERENCES regions,
    neighbour_id int NOT NULL REFERENCES regions,
    PRIMARY KEY (region_id, neighbour_id)
);
