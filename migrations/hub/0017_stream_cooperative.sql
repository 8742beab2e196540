-- An edge acts for the cooperative that it was enrolled for, as long as that incarnation lives, whatever is written of the edge later.
ALTER TABLE edge_streams ADD COLUMN cooperative_id int REFERENCES cooperatives;
UPDATE edge_streams s SET cooperative_id = e.cooperative_id FROM edges e WHERE e.id = s.edge_id;
