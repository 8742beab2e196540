-- A hub's database as the program of protocol 0.1 left it: what the tests here load and bring up to date. Written by pg_dump, without its
-- settings. One office with orders, and commands of each open verdict: quarantined (3), held (4), unsupported (5).
CREATE TABLE public._sqlx_migrations (
    version bigint NOT NULL,
    description text NOT NULL,
    installed_on timestamp with time zone DEFAULT now() NOT NULL,
    success boolean NOT NULL,
    checksum bytea NOT NULL,
    execution_time bigint NOT NULL
);
CREATE TABLE public.buckets (
    name text NOT NULL COLLATE pg_catalog."C",
    version bigint DEFAULT 0 NOT NULL,
    digests bytea DEFAULT '\x'::bytea NOT NULL
);
CREATE TABLE public.command_conflicts (
    edge_id integer NOT NULL,
    incarnation integer NOT NULL,
    seq bigint NOT NULL,
    id uuid NOT NULL,
    body_hash bytea NOT NULL,
    made_at_s bigint NOT NULL,
    actor_kind integer NOT NULL,
    actor_id uuid,
    actor_phone bigint NOT NULL,
    kind integer NOT NULL,
    body bytea NOT NULL,
    reason text NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.commands (
    edge_id integer NOT NULL,
    incarnation integer NOT NULL,
    seq bigint NOT NULL,
    id uuid NOT NULL,
    made_at_s bigint NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    actor_kind integer NOT NULL,
    actor_id uuid,
    actor_phone bigint NOT NULL,
    kind integer NOT NULL,
    body bytea NOT NULL,
    body_hash bytea NOT NULL,
    verdict text NOT NULL,
    verdict_number bigint NOT NULL,
    code text,
    args text[],
    short boolean DEFAULT false NOT NULL,
    alias uuid,
    conflicts text[],
    stands_at text[],
    error text
);
CREATE TABLE public.commodities (
    id integer NOT NULL,
    name text NOT NULL,
    category text NOT NULL,
    wfp_id integer,
    name_sw text DEFAULT ''::text NOT NULL,
    name_ny text DEFAULT ''::text NOT NULL,
    name_fr text DEFAULT ''::text NOT NULL,
    on_menus boolean NOT NULL
);
ALTER TABLE public.commodities ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.commodities_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.cooperatives (
    id integer NOT NULL,
    name text NOT NULL,
    country text NOT NULL,
    region_id integer,
    currency text NOT NULL,
    hub_share_percent integer DEFAULT 50 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT cooperatives_country_check CHECK ((length(country) = 3)),
    CONSTRAINT cooperatives_currency_check CHECK ((length(currency) = 3)),
    CONSTRAINT cooperatives_share_check CHECK (((hub_share_percent >= 0) AND (hub_share_percent <= 100)))
);
ALTER TABLE public.cooperatives ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.cooperatives_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.edge_sessions (
    token_hash bytea NOT NULL,
    edge_id integer NOT NULL,
    incarnation integer NOT NULL,
    expires_at timestamp with time zone NOT NULL
);
CREATE TABLE public.edge_streams (
    edge_id integer NOT NULL,
    incarnation integer NOT NULL,
    applied_seq bigint DEFAULT 0 NOT NULL,
    link_number bigint DEFAULT 0 NOT NULL,
    link_random bytea NOT NULL,
    previous_number bigint,
    previous_random bytea,
    last_verdict bigint DEFAULT 0 NOT NULL,
    verdicts_acked bigint DEFAULT 0 NOT NULL,
    exchange bigint DEFAULT 0 NOT NULL,
    heard_scope integer,
    heard_cursors bytea,
    frozen_at timestamp with time zone,
    halted_reason text
);
CREATE TABLE public.edges (
    id integer NOT NULL,
    cooperative_id integer NOT NULL,
    "national" boolean DEFAULT false NOT NULL,
    public_key bytea,
    bundle_key bytea,
    incarnation integer DEFAULT 0 NOT NULL,
    software text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    enrolled_at timestamp with time zone,
    revoked_at timestamp with time zone,
    last_contact_at timestamp with time zone,
    clock_offset_s bigint
);
ALTER TABLE public.edges ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.edges_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.enrolment_codes (
    edge_id integer NOT NULL,
    code_hash bytea NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    wrong_tries integer DEFAULT 0 NOT NULL,
    used_at timestamp with time zone
);
CREATE TABLE public.hub (
    one boolean DEFAULT true NOT NULL,
    epoch integer DEFAULT 1 NOT NULL,
    price_history_months integer DEFAULT 36 NOT NULL,
    CONSTRAINT hub_one_check CHECK (one),
    CONSTRAINT hub_price_history_months_check CHECK ((price_history_months > 0))
);
CREATE SEQUENCE public.hub_born_ids
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE public.idempotency_keys (
    user_id uuid NOT NULL,
    key text NOT NULL,
    route text NOT NULL,
    body_hash bytea NOT NULL,
    status integer NOT NULL,
    response bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.job_cursors (
    job text NOT NULL,
    bucket text NOT NULL COLLATE pg_catalog."C",
    version bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.listings (
    id uuid NOT NULL,
    cooperative_id integer NOT NULL,
    commodity_id integer NOT NULL,
    unit_id integer NOT NULL,
    title text NOT NULL,
    price_minor bigint NOT NULL,
    currency text NOT NULL,
    seller_id uuid,
    status integer NOT NULL,
    posted_at_s bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT listings_price_check CHECK ((price_minor > 0))
);
CREATE TABLE public.login_attempts (
    phone bigint NOT NULL,
    failures integer NOT NULL,
    blocked_until timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL
);
CREATE TABLE public.markets (
    id integer NOT NULL,
    country text NOT NULL,
    name text NOT NULL,
    region_id integer,
    district text DEFAULT ''::text NOT NULL,
    latitude_e5 integer,
    longitude_e5 integer
);
ALTER TABLE public.markets ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.markets_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.member_aliases (
    from_id uuid NOT NULL,
    to_id uuid NOT NULL,
    cooperative_id integer NOT NULL
);
CREATE TABLE public.members (
    id uuid NOT NULL,
    cooperative_id integer NOT NULL,
    name text NOT NULL,
    phone bigint NOT NULL,
    language text NOT NULL,
    registered_at_s bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.orders (
    id uuid NOT NULL,
    listing_id uuid NOT NULL,
    cooperative_id integer NOT NULL,
    quantity_milli bigint NOT NULL,
    unit_price_minor bigint NOT NULL,
    currency text NOT NULL,
    holder integer,
    buyer_phone bigint NOT NULL,
    buyer_name text NOT NULL,
    buyer_cooperative_id integer,
    buyer_user_id uuid,
    status integer NOT NULL,
    channel integer NOT NULL,
    placed_at_s bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT orders_quantity_check CHECK ((quantity_milli > 0))
);
CREATE TABLE public.price_imports (
    id integer NOT NULL,
    source text NOT NULL,
    file text NOT NULL,
    country text NOT NULL,
    newest_month integer,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    read_rows bigint DEFAULT 0 NOT NULL,
    accepted bigint DEFAULT 0 NOT NULL,
    forecast_skipped bigint DEFAULT 0 NOT NULL,
    quarantined bigint DEFAULT 0 NOT NULL,
    refused bigint DEFAULT 0 NOT NULL
);
ALTER TABLE public.price_imports ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.price_imports_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.price_revisions (
    series_id integer NOT NULL,
    month integer NOT NULL,
    import_id integer NOT NULL,
    price_minor bigint NOT NULL,
    flags integer NOT NULL
);
CREATE TABLE public.price_series (
    id integer NOT NULL,
    market_id integer NOT NULL,
    commodity_id integer NOT NULL,
    unit_id integer NOT NULL,
    price_type text NOT NULL,
    currency text NOT NULL,
    source text NOT NULL,
    newest_month integer NOT NULL
);
ALTER TABLE public.price_series ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.price_series_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.prices (
    series_id integer NOT NULL,
    month integer NOT NULL,
    price_minor bigint NOT NULL,
    flags integer NOT NULL,
    import_id integer NOT NULL,
    CONSTRAINT prices_positive_check CHECK ((price_minor > 0))
);
CREATE TABLE public.refresh_tokens (
    hash bytea NOT NULL,
    user_id uuid NOT NULL,
    family uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone
);
CREATE TABLE public.region_neighbours (
    region_id integer NOT NULL,
    neighbour_id integer NOT NULL
);
CREATE TABLE public.regions (
    id integer NOT NULL,
    country text NOT NULL,
    name text NOT NULL,
    CONSTRAINT regions_country_check CHECK ((length(country) = 3))
);
ALTER TABLE public.regions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.regions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.stock_entries (
    of_id uuid NOT NULL,
    step integer NOT NULL,
    listing_id uuid NOT NULL,
    cooperative_id integer NOT NULL,
    holder integer NOT NULL,
    quantity_milli bigint NOT NULL,
    kind integer NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.superseded_verdicts (
    edge_id integer NOT NULL,
    incarnation integer NOT NULL,
    verdict_number bigint NOT NULL,
    seq bigint NOT NULL,
    verdict text NOT NULL
);
CREATE TABLE public.sync_rows (
    bucket text NOT NULL COLLATE pg_catalog."C",
    entity smallint NOT NULL,
    id bytea NOT NULL,
    version bigint NOT NULL,
    deleted boolean NOT NULL,
    hash bytea NOT NULL,
    payload bytea NOT NULL
);
CREATE TABLE public.units (
    id integer NOT NULL,
    code text NOT NULL,
    base integer NOT NULL,
    factor_milli bigint NOT NULL
);
ALTER TABLE public.units ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.units_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.users (
    id uuid NOT NULL,
    phone bigint NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    cooperative_id integer,
    language text DEFAULT 'en'::text NOT NULL,
    password_hash text NOT NULL,
    office_password_hash text DEFAULT ''::text NOT NULL,
    disabled boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    phone_confirmed boolean DEFAULT false NOT NULL,
    CONSTRAINT users_clerk_cooperative_check CHECK (((role <> 'clerk'::text) OR (cooperative_id IS NOT NULL))),
    CONSTRAINT users_role_check CHECK ((role = ANY (ARRAY['buyer'::text, 'farmer'::text, 'clerk'::text, 'admin'::text])))
);
INSERT INTO public._sqlx_migrations VALUES
	(1, 'places', '2026-11-29 01:07:56.13791+00', true, '\xd242e531f91f986ab6917e0a3a4129b49517d30aba157e98252fcbce06e59e5ab28c72d30c98282098c7fda310b5a702', 47549501),
	(2, 'people', '2026-11-29 01:07:56.202233+00', true, '\x012f5c23ca200381a903b09b01b5aee4fbac4af407a90dd832468a34077f2fa2fd1193ab4259a31ce94fb2f5f81f513c', 43838042),
	(3, 'prices', '2026-11-29 01:07:56.25782+00', true, '\x54d809a1a2af6ab38808d91fef60152a19839cf33480f36aab82bdca85387491e507714b888aa3825089e9752f62aefc', 52353462),
	(4, 'market', '2026-11-29 01:07:56.337865+00', true, '\x7eea600b8243ec9fe1128db6dda686bc6c975c917443790dfa03a6815c5e089d929591fb584a0e07e5811a87bde406b6', 75851487),
	(5, 'feed', '2026-11-29 01:07:56.414163+00', true, '\xc30e2f11287c811200adfb044dbc4cfa132886c4b8460b77ce9c7c02a89325b2213a94ba9cf31b1856d5a17218cfcdde', 71848939),
	(6, 'edges', '2026-11-29 01:07:56.486304+00', true, '\xeab22501478015b04949176584b06efd55acb9762783f1726d178a19cd8d2c52b01cbd695387c47ef641d4f033a554e5', 38118585),
	(7, 'stream troubles', '2026-11-29 01:07:56.53193+00', true, '\x278e5a917a59b4be8a7d5339ea2c436b0c19f2b543dba2831c91cf0e738a02a86036cd377b5a8619b755655c81662aef', 33830839),
	(8, 'price history', '2026-11-29 01:07:56.573776+00', true, '\x46ed088d8f92736bdea3a66972ca822184833deb507fdf2d61a4fe7f9a6dfbc60d3306f07bb46e2cec59ab031196625a', 19945617),
	(9, 'tombstones', '2026-11-29 01:07:56.593918+00', true, '\x04e5c594f37d6b5ad3ddeef7d047e5fb748bd71ef0285e2382ec8644c973f79e4ea1ad23b49159cc68bc69e0d8d0ca2a', 39796227),
	(10, 'accounts', '2026-11-29 01:07:56.649653+00', true, '\xd43ecee123f138c3f250d24eef7260ae012210fa6068b81fae4ba945263f36abc448cfcce012e784d32edc0892c46d2f', 19988725),
	(11, 'pages', '2026-11-29 01:07:56.669728+00', true, '\xa3618b1f7ffb0665bd710116f2cab556bc5addd3fd5f07003b6f7d0175565f83c49d370419498c542ea4cb76760b0ef0', 108087030);
INSERT INTO public.buckets VALUES
	('region:1', 46, '\x04005443bad43f023be6d1f6ecec81b56c3a0400000000000000050025a50726b353aab3c39809a04fa59c6d0400000000000000060093c6db5440dac96a67ac3a45af55340c2600000000000000'),
	('country:MWI', 3, '\x0300caecf5aa099e9b730268ab75ceb79a790300000000000000'),
	('global', 2, '\x01006abfcab7622ef069e7703dced083b89201000000000000000200056916de46746d4d2a6fe69033ff168e0100000000000000'),
	('edge:1', 1, '\x0b0011987b9a501986924ac066e63c4d4f9e0100000000000000'),
	('coop:1', 11, '\x07007217bbd22e5bb20d3610af77dda2de1401000000000000000c00e20cbc71212bca81f262c23c19c1030807000000000000000d007ae3b40bb4091b74a26721568e96e6d302000000000000000e000d9ad6fc9a2969c4956d88b06643b9280100000000000000'),
	('catalogue:1', 3, '\x07007217bbd22e5bb20d3610af77dda2de1401000000000000000d0031c560ddd363ccc39457dd00464f66830200000000000000');
INSERT INTO public.commands VALUES
	(1, 1, 1, '6f4c5140-dda6-8c42-bd18-830b94443ed7', 1795914506, '2026-11-29 01:08:27.878427+00', 2, NULL, 0, 2, '\x875024f96149c7258a12a5ca6b3391bd1a3b01016019c35019c350634d574b', '\xf44896fc2133ce7669f2a49a219d4d693c9fceb6b7a50566cfabb86b9a8c7056', 'applied', 1, NULL, NULL, false, NULL, NULL, '{coop:1@5}', NULL),
	(1, 1, 2, '44b688f2-fd6a-880d-ac45-d537134be1c2', 1795914506, '2026-11-29 01:08:28.746046+00', 2, NULL, 0, 5, '\x875024f96149c7258a12a5ca6b3391bd1a3b19138819c3500000684368696b6f6e646903', '\x20ae91deee6f844f081f53375cf6a5ed87b3e6bb8bd1031ab4e2a2b30891fc29', 'applied', 2, NULL, NULL, false, NULL, NULL, '{coop:1@11}', NULL),
	(1, 1, 3, '4ca3dfb4-48e6-4996-8cc3-6f034ea2382d', 1795914515, '2026-11-29 01:08:37.849881+00', 0, NULL, 265991000000, 5, '\x875024f96149c7258a12a5ca6b3391bd1a3b1903e819c350001b0000003dee4c8fc0601affffffff', '\x9efc7938c16788fb820409c61ce3a416611639d5b5d8a66e6c245d417d13a050', 'quarantined', 3, NULL, NULL, false, NULL, NULL, '{}', 'error occurred while encoding a value: 4294967295 does not fit a column'),
	(1, 1, 4, '63be1aac-11a2-42c1-a21c-7189b4166c3a', 1795914515, '2026-11-29 01:08:38.129303+00', 0, NULL, 265991000000, 6, '\x82504ca3dfb448e649968cc36f034ea2382df4', '\xdfc115492a62072cd637026e05dcb188efc42225babb313b61643db85fd7a54e', 'held', 4, NULL, NULL, false, NULL, NULL, '{}', NULL),
	(1, 1, 5, '6e23fdb1-6cb4-4b8e-8b38-9aeb1335a5b8', 1795914515, '2026-11-29 01:08:38.129303+00', 0, NULL, 265991000000, 900, '\x8150151f785a33b1486babe94902f7401053', '\x860044cc7ce358ced5524762c474efb692e40de8da7103fe267f1c0dcfe31481', 'unsupported', 5, NULL, NULL, false, NULL, NULL, '{}', NULL);
INSERT INTO public.commodities OVERRIDING SYSTEM VALUE VALUES
	(1, 'Maize', 'cereals and tubers', 51, 'Mahindi', 'Chimanga', 'Maïs', true);
INSERT INTO public.cooperatives OVERRIDING SYSTEM VALUE VALUES
	(1, 'Kasungu', 'MWI', 1, 'MWK', 50, '2026-11-29 01:08:00.965654+00');
INSERT INTO public.edge_sessions VALUES
	('\x61665eb28814ff88caf29357d1ea6f32ede28477ac84b44feaa80d0a5013d75c', 1, 1, '2026-11-30 01:08:15.845934+00');
INSERT INTO public.edge_streams VALUES
	(1, 1, 5, 10, '\x2effdbf32006497dd1ff7a6b0a968e49', 9, '\x3fed1121a470e27ea90df5598fa4ab00', 5, 2, 10, 1867621588, '\x0100020003002e00030000000000000000000b00', NULL, NULL);
INSERT INTO public.edges OVERRIDING SYSTEM VALUE VALUES
	(1, 1, false, '\xbc3600007504ecf8ffe45e14218f02cca2467f4a80313ed8f9aefcde35ed732e', '\x30db5354c4fc001d2db69b69ccef3220717602dd4a8bcf85465beab8a49df635', 1, 'mizili-edge 0.1.0', '2026-11-29 01:08:09.593837+00', '2026-11-29 01:08:14.619153+00', NULL, '2026-11-29 01:08:36.773812+00', 0);
INSERT INTO public.enrolment_codes VALUES
	(1, '\xcc68948468f85d26393b39cfcd54267b2e425d1a83a7b75bd954ef1cfc1dfe10', '2026-12-06 01:08:09.622767+00', 0, '2026-11-29 01:08:14.619153+00');
INSERT INTO public.hub VALUES
	(true, 1, 36);
INSERT INTO public.idempotency_keys VALUES
	('01a224d8-4acd-7109-9cd2-8b71e7fc6667', '590743da-8fc1-43ba-9375-ddc08a56bc8c', 'POST /api/v1/products', '\x710dae607af5799f59d2ab3df5170a47c6946271cba1efe99374f745641f6f12', 201, '\x7b226964223a2234643639376136392d366336392d383030302d383030302d303030303030303030303031222c226e616d65223a224d61697a65222c22636f6d6d6f646974795f6964223a312c22636f6d6d6f64697479223a224d61697a65222c22756e69745f6964223a312c22756e6974223a224b47222c227072696365223a7b22616d6f756e74223a35303030302c2263757272656e6379223a224d574b227d2c22617661696c61626c65223a223230222c22746f74616c223a223430222c22636f6f70657261746976655f6964223a312c22636f6f7065726174697665223a224b6173756e6775222c22726567696f6e223a2243656e7472616c20526567696f6e222c2273656c6c65725f6964223a6e756c6c2c22737461747573223a22616374697665222c22706f737465645f6174223a22323032362d31312d32395430313a30383a32375a227d', '2026-11-29 01:08:27.270844+00');
INSERT INTO public.job_cursors VALUES
	('prune', 'turn', 1795914477),
	('check', 'turn', 1795914478),
	('catalogue', 'coop:1', 11);
INSERT INTO public.listings VALUES
	('24f96149-c725-8a12-a5ca-6b3391bd1a3b', 1, 1, 1, '', 50000, 'MWK', NULL, 0, 1795914506, '2026-11-29 01:08:27.35604+00'),
	('4d697a69-6c69-8000-8000-000000000001', 1, 1, 1, '', 50000, 'MWK', NULL, 0, 1795914507, '2026-11-29 01:08:27.602256+00');
INSERT INTO public.markets OVERRIDING SYSTEM VALUE VALUES
	(1, 'MWI', 'Lilongwe', 1, 'Lilongwe City', -1398333, 3378333),
	(2, 'MWI', 'Mitundu', 1, 'Lilongwe', -1425000, 3376667),
	(3, 'MWI', 'Nanjiri', 1, 'Lilongwe', -1407154, 3383710),
	(4, 'MWI', 'Santhe', 1, 'Lilongwe', -1393333, 3343333);
INSERT INTO public.orders VALUES
	('44b688f2-fd6a-880d-ac45-d537134be1c2', '24f96149-c725-8a12-a5ca-6b3391bd1a3b', 1, 5000, 50000, 'MWK', 1, 0, 'Chikondi', NULL, NULL, 0, 3, 1795914506, '2026-11-29 01:08:28.200852+00');
INSERT INTO public.price_imports OVERRIDING SYSTEM VALUE VALUES
	(1, 'wfp', 'wfp_food_prices_mwi.csv', 'MWI', 24066, '2026-11-29 01:07:58.325687+00', '2026-11-29 01:08:00.225688+00', 38, 38, 0, 0, 0);
INSERT INTO public.price_series OVERRIDING SYSTEM VALUE VALUES
	(1, 1, 1, 1, 'Retail', 'MWK', 'wfp', 24066),
	(2, 2, 1, 1, 'Retail', 'MWK', 'wfp', 24066),
	(3, 3, 1, 1, 'Retail', 'MWK', 'wfp', 24055),
	(4, 4, 1, 1, 'Retail', 'MWK', 'wfp', 24066);
INSERT INTO public.prices VALUES
	(1, 24051, 2025, 1, 1),
	(1, 24053, 1633, 1, 1),
	(1, 24054, 1796, 1, 1),
	(1, 24055, 1633, 1, 1),
	(1, 24056, 2657, 1, 1),
	(1, 24057, 1630, 1, 1),
	(1, 24058, 1753, 1, 1),
	(1, 24059, 1833, 1, 1),
	(1, 24061, 1730, 1, 1),
	(1, 24063, 1800, 1, 1),
	(1, 24066, 2362, 1, 1),
	(2, 24036, 2240, 1, 1),
	(2, 24037, 1960, 1, 1),
	(2, 24038, 1953, 1, 1),
	(2, 24039, 1438, 1, 1),
	(2, 24040, 900, 1, 1),
	(2, 24041, 1000, 1, 1),
	(2, 24045, 1021, 1, 1),
	(2, 24047, 864, 1, 1),
	(2, 24048, 990, 1, 1),
	(2, 24049, 1038, 1, 1),
	(2, 24050, 3266, 1, 1),
	(2, 24051, 1086, 1, 1),
	(2, 24052, 1011, 1, 1),
	(2, 24054, 1004, 1, 1),
	(2, 24055, 1009, 1, 1),
	(2, 24056, 1013, 1, 1),
	(2, 24057, 1012, 1, 1),
	(2, 24058, 1008, 1, 1),
	(2, 24060, 1508, 1, 1),
	(2, 24061, 1558, 1, 1),
	(2, 24063, 1400, 1, 1),
	(2, 24064, 1482, 1, 1),
	(2, 24065, 1703, 1, 1),
	(2, 24066, 1782, 1, 1),
	(3, 24054, 1501, 1, 1),
	(3, 24055, 1523, 1, 1),
	(4, 24066, 1550, 1, 1);
INSERT INTO public.refresh_tokens VALUES
	('\xa24a7024b67799b78533f46ed70b66c2765b9a735ad82d8e2c908a2ea0647161', '01a224d8-4acd-7109-9cd2-8b71e7fc6667', '01a224d8-5ca2-71c0-8733-f86f8f5cec4a', '2027-01-28 01:08:08.994621+00', NULL);
INSERT INTO public.region_neighbours VALUES
	(3, 1),
	(1, 3),
	(2, 1),
	(1, 2);
INSERT INTO public.regions OVERRIDING SYSTEM VALUE VALUES
	(1, 'MWI', 'Central Region'),
	(2, 'MWI', 'Northern Region'),
	(3, 'MWI', 'Southern Region');
INSERT INTO public.stock_entries VALUES
	('24f96149-c725-8a12-a5ca-6b3391bd1a3b', 1, '24f96149-c725-8a12-a5ca-6b3391bd1a3b', 1, 1, 50000, 1, '2026-11-29 01:08:27.35604+00'),
	('24f96149-c725-8a12-a5ca-6b3391bd1a3b', 2, '24f96149-c725-8a12-a5ca-6b3391bd1a3b', 1, 1, -25000, 2, '2026-11-29 01:08:27.35604+00'),
	('24f96149-c725-8a12-a5ca-6b3391bd1a3b', 3, '24f96149-c725-8a12-a5ca-6b3391bd1a3b', 1, 0, 25000, 2, '2026-11-29 01:08:27.35604+00'),
	('4d697a69-6c69-8000-8000-000000000001', 1, '4d697a69-6c69-8000-8000-000000000001', 1, 0, 40000, 1, '2026-11-29 01:08:27.602256+00'),
	('4d697a69-6c69-8000-8000-000000000001', 2, '4d697a69-6c69-8000-8000-000000000001', 1, 0, -20000, 2, '2026-11-29 01:08:27.602256+00'),
	('4d697a69-6c69-8000-8000-000000000001', 3, '4d697a69-6c69-8000-8000-000000000001', 1, 1, 20000, 2, '2026-11-29 01:08:27.602256+00'),
	('44b688f2-fd6a-880d-ac45-d537134be1c2', 4, '24f96149-c725-8a12-a5ca-6b3391bd1a3b', 1, 1, -5000, 3, '2026-11-29 01:08:28.200852+00');
INSERT INTO public.sync_rows VALUES
	('region:1', 4, '\x0100000001', 1, false, '\x3c3d400b2af654a42f3eb82c15b92006', '\x05084c696c6f6e67776509034d57490c02110d4c696c6f6e677765204369747914f9d8aa0118bab29c03'),
	('region:1', 4, '\x0100000002', 2, false, '\x62f401c60ed684abe4fd04f327fea2ca', '\x05074d6974756e647509034d57490c0211084c696c6f6e67776514cff9ad0118b6989c03'),
	('region:1', 4, '\x0100000003', 3, false, '\x95ef1a1f0548f443d793184c1a005736', '\x05074e616e6a69726909034d57490c0211084c696c6f6e67776514e3e2ab0118bc869d03'),
	('region:1', 4, '\x0100000004', 4, false, '\x21225de401ee6c52e62617812afe5133', '\x050653616e74686509034d57490c0211084c696c6f6e67776514e98aaa0118ca8f9803'),
	('region:1', 5, '\x0100000001', 5, false, '\x16c8b705db81cc4bd11cfa7f31d6a301', '\x040208020c02110652657461696c15034d574b'),
	('region:1', 5, '\x0100000002', 6, false, '\x6aacac23a3984bdf9b8c07ad45a242e0', '\x040408020c02110652657461696c15034d574b'),
	('region:1', 5, '\x0100000003', 7, false, '\xfe8b6d283775a80dd946daa09ecce691', '\x040608020c02110652657461696c15034d574b'),
	('region:1', 5, '\x0100000004', 8, false, '\xa7a435d4fdc3e97a7da82dd23960cff9', '\x040808020c02110652657461696c15034d574b'),
	('region:1', 6, '\x020000000100005df3', 9, false, '\xba5525993fdd22ac7fc74ba9088e9b32', '\x04d21f0802'),
	('region:1', 6, '\x020000000100005df5', 10, false, '\x18e9196cfd746dc2855be522c3bab6e2', '\x04c2190802'),
	('region:1', 6, '\x020000000100005df6', 11, false, '\x5c6fee8adbcf828dcd4f948929cee091', '\x04881c0802'),
	('region:1', 6, '\x020000000100005df7', 12, false, '\x043847da0ed36c00d671668f127c79d4', '\x04c2190802'),
	('region:1', 6, '\x020000000100005df8', 13, false, '\x2d587ad004a94ae6d59a86c0e3ba19c8', '\x04c2290802'),
	('region:1', 6, '\x020000000100005df9', 14, false, '\xe291189e3ed963dce6331ed419288b79', '\x04bc190802'),
	('region:1', 6, '\x020000000100005dfa', 15, false, '\x443f813a4d435a08490334b4bf1a172e', '\x04b21b0802'),
	('region:1', 6, '\x020000000100005dfb', 16, false, '\xf3ab080a9efa3775487baf2f350bff56', '\x04d21c0802'),
	('region:1', 6, '\x020000000100005dfd', 17, false, '\xe64f3c1cfcc88b191776858f43aa26a4', '\x04841b0802'),
	('region:1', 6, '\x020000000100005dff', 18, false, '\x96ebd4858b6280450c8f3608f6983bd1', '\x04901c0802'),
	('region:1', 6, '\x020000000100005e02', 19, false, '\x047936ac4cc7af2a3033660a7a081828', '\x04f4240802'),
	('region:1', 6, '\x020000000200005de4', 20, false, '\x85c676beed50cff09b9bafdc20739328', '\x0480230802'),
	('region:1', 6, '\x020000000200005de5', 21, false, '\xf4cbd422ea19d9901df2f7c793d02ad2', '\x04d01e0802'),
	('region:1', 6, '\x020000000200005de6', 22, false, '\x9c8b2457de78c57c6692dec72361f854', '\x04c21e0802'),
	('region:1', 6, '\x020000000200005de7', 23, false, '\x4e9778cb8e2f814eaa3106350568efa0', '\x04bc160802'),
	('region:1', 6, '\x020000000200005de8', 24, false, '\x1c78a07e4818c9f22abd008866339877', '\x04880e0802'),
	('region:1', 6, '\x020000000200005de9', 25, false, '\xeee27b9124563c1a8ea55a536eae3a2c', '\x04d00f0802'),
	('region:1', 6, '\x020000000200005ded', 26, false, '\x96100a5d98beb95b62e477c889566fbb', '\x04fa0f0802'),
	('region:1', 6, '\x020000000200005def', 27, false, '\xde0e3a8d92a5540b7719180e125f25fe', '\x04c00d0802'),
	('region:1', 6, '\x020000000200005df0', 28, false, '\x7ac6a6019ec1b83f875481c09c427a85', '\x04bc0f0802'),
	('region:1', 6, '\x020000000200005df1', 29, false, '\x437731166323a2cf52a0e1b3569bb11e', '\x049c100802'),
	('region:1', 6, '\x020000000200005df2', 30, false, '\x582d9039927d455e86c2dcc165ef4674', '\x0484330802'),
	('region:1', 6, '\x020000000200005df3', 31, false, '\x9f015513eca995115c0b6ccd3077ecc5', '\x04fc100802'),
	('region:1', 6, '\x020000000200005df4', 32, false, '\x62ef37673daf13e4ae88f9d4800085d4', '\x04e60f0802'),
	('region:1', 6, '\x020000000200005df6', 33, false, '\x02a026e60ff9103b18a80e900a881dc5', '\x04d80f0802'),
	('region:1', 6, '\x020000000200005df7', 34, false, '\x4940097673e9c918bf36b88c30057cf8', '\x04e20f0802'),
	('region:1', 6, '\x020000000200005df8', 35, false, '\xb0a274026847ff45d45d4766377b12fa', '\x04ea0f0802'),
	('region:1', 6, '\x020000000200005df9', 36, false, '\x5e76ff0b5eb3de47eece7fc753df87b9', '\x04e80f0802'),
	('region:1', 6, '\x020000000200005dfa', 37, false, '\xe75c7f3570df775a836092135fee4f77', '\x04e00f0802'),
	('region:1', 6, '\x020000000200005dfc', 38, false, '\x2312551fb01305f7f329993fd461a589', '\x04c8170802'),
	('region:1', 6, '\x020000000200005dfd', 39, false, '\xded6f6426b66b04064b84a46881237ee', '\x04ac180802'),
	('region:1', 6, '\x020000000200005dff', 40, false, '\x2096c58b1bc01b989202bd37e1371a0d', '\x04f0150802'),
	('region:1', 6, '\x020000000200005e00', 41, false, '\x5977b66be6cd20442b78383ecc933e2e', '\x0494170802'),
	('region:1', 6, '\x020000000200005e01', 42, false, '\x12813a464719b122b47a3984fab9ca1e', '\x04ce1a0802'),
	('region:1', 6, '\x020000000200005e02', 43, false, '\xfa5540cfe9ec0f8a0279c1efa0e60c9d', '\x04ec1b0802'),
	('region:1', 6, '\x020000000300005df6', 44, false, '\xb66563e6d66b0f1d7b777f28e31e7ef6', '\x04ba170802'),
	('region:1', 6, '\x020000000300005df7', 45, false, '\x084a277b2474e7bfe68ad89a19ace4cf', '\x04e6170802'),
	('region:1', 6, '\x020000000400005e02', 46, false, '\x20f7d2ad78e525a60885fa87e0026d0d', '\x049c180802'),
	('country:MWI', 3, '\x0100000001', 1, false, '\x671924be5e9f038c1ac2f58b73cd7abd', '\x050e43656e7472616c20526567696f6e09034d5749'),
	('country:MWI', 3, '\x0100000002', 2, false, '\x167256fc97bec0756716386a85565fd7', '\x050f4e6f72746865726e20526567696f6e09034d5749'),
	('country:MWI', 3, '\x0100000003', 3, false, '\x4d617bf01240d771808f7d7fd593c0e4', '\x050f536f75746865726e20526567696f6e09034d5749'),
	('global', 1, '\x0100000001', 1, false, '\x6abfcab7622ef069e7703dced083b892', '\x05054d61697a65091263657265616c7320616e64207475626572730d074d6168696e646911084368696d616e676115054d61c3af731802');
INSERT INTO public.sync_rows VALUES
	('global', 2, '\x0100000001', 2, false, '\x056916de46746d4d2a6fe69033ff168e', '\x05024b4708020cd00f'),
	('coop:1', 7, '\x0100000001', 1, false, '\x7217bbd22e5bb20d3610af77dda2de14', '\x05074b6173756e677509034d57490c0211034d574b1464'),
	('catalogue:1', 7, '\x0100000001', 1, false, '\x7217bbd22e5bb20d3610af77dda2de14', '\x05074b6173756e677509034d57490c0211034d574b1464'),
	('edge:1', 11, '\x0100000001', 1, false, '\x11987b9a501986924ac066e63c4d4f9e', '\x040209034d57490d034d574b'),
	('coop:1', 12, '\x0424f96149c7258a12a5ca6b3391bd1a3b00000001', 2, false, '\x9cdd318d7fb628c5eeb957b05e0dcadc', '\x0724f96149c7258a12a5ca6b3391bd1a3b08020ca08d061002'),
	('coop:1', 12, '\x0424f96149c7258a12a5ca6b3391bd1a3b00000002', 3, false, '\xda1a604a8d17c86684ed0c343c453d31', '\x0724f96149c7258a12a5ca6b3391bd1a3b08020ccf86031004'),
	('coop:1', 12, '\x0424f96149c7258a12a5ca6b3391bd1a3b00000003', 4, false, '\x8c1594060e6e585d38b760ac39515ab4', '\x0724f96149c7258a12a5ca6b3391bd1a3b0cd086031004'),
	('coop:1', 13, '\x0324f96149c7258a12a5ca6b3391bd1a3b', 5, false, '\xa959864e46fa8963ce822f14510107a5', '\x040208020c0214a08d0619034d574b2494ecdbb00d'),
	('coop:1', 12, '\x044d697a696c698000800000000000000100000001', 6, false, '\x8e088f7cd7df11fa4e31d4ada843f1e3', '\x074d697a696c69800080000000000000010c80f1041002'),
	('coop:1', 12, '\x044d697a696c698000800000000000000100000002', 7, false, '\x640abc8266a8d3bf058fa354ab54a1b2', '\x074d697a696c69800080000000000000010cbfb8021004'),
	('coop:1', 12, '\x044d697a696c698000800000000000000100000003', 8, false, '\x736b7716fbb5f13293dd1f0c766aa4fa', '\x074d697a696c698000800000000000000108020cc0b8021004'),
	('coop:1', 13, '\x034d697a696c6980008000000000000001', 9, false, '\xd1892ebd6d0f9110d4e4f1413d95df2e', '\x040208020c0214a08d0619034d574b2496ecdbb00d'),
	('coop:1', 12, '\x0444b688f2fd6a880dac45d537134be1c200000004', 10, false, '\x7b80d37dcdb0a90b5f66659d7a1a6bb4', '\x0724f96149c7258a12a5ca6b3391bd1a3b08020c8f4e1006'),
	('coop:1', 14, '\x0344b688f2fd6a880dac45d537134be1c2', 11, false, '\x0d9ad6fc9a2969c4956d88b06643b928', '\x0724f96149c7258a12a5ca6b3391bd1a3b08020c904e10a08d0615034d574b180221084368696b6f6e64692c063094ecdbb00d'),
	('catalogue:1', 13, '\x0324f96149c7258a12a5ca6b3391bd1a3b', 2, false, '\xd3ebc466a7af3496e9bec7bab1db1243', '\x040208020c0214a08d0619034d574b2494ecdbb00d28d08603'),
	('catalogue:1', 13, '\x034d697a696c6980008000000000000001', 3, false, '\x5ed99b762cb4972dab98154694735340', '\x040208020c0214a08d0619034d574b2496ecdbb00d28c0b802');
INSERT INTO public.units OVERRIDING SYSTEM VALUE VALUES
	(1, 'KG', 1, 1000);
INSERT INTO public.users VALUES
	('01a224d8-4acd-7109-9cd2-8b71e7fc6667', 265888000001, '+265888000001', 'admin', NULL, 'en', '$argon2id$v=19$m=19456,t=2,p=1$tnXSbzJyM6OUqTELs5umCA$jQcbN7+FJB2B/6yifxPxCKYo6erKBBkFqblWZEsZNvQ', '', false, '2026-11-29 01:08:04.429761+00', true);
SELECT pg_catalog.setval('public.commodities_id_seq', 1, true);
SELECT pg_catalog.setval('public.cooperatives_id_seq', 1, true);
SELECT pg_catalog.setval('public.edges_id_seq', 1, true);
SELECT pg_catalog.setval('public.hub_born_ids', 1, true);
SELECT pg_catalog.setval('public.markets_id_seq', 4, true);
SELECT pg_catalog.setval('public.price_imports_id_seq', 1, true);
SELECT pg_catalog.setval('public.price_series_id_seq', 4, true);
SELECT pg_catalog.setval('public.regions_id_seq', 3, true);
SELECT pg_catalog.setval('public.units_id_seq', 1, true);
ALTER TABLE ONLY public._sqlx_migrations
    ADD CONSTRAINT _sqlx_migrations_pkey PRIMARY KEY (version);
ALTER TABLE ONLY public.buckets
    ADD CONSTRAINT buckets_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.command_conflicts
    ADD CONSTRAINT command_conflicts_pkey PRIMARY KEY (edge_id, incarnation, seq, body_hash);
ALTER TABLE ONLY public.commands
    ADD CONSTRAINT commands_id_key UNIQUE (id);
ALTER TABLE ONLY public.commands
    ADD CONSTRAINT commands_pkey PRIMARY KEY (edge_id, incarnation, seq);
ALTER TABLE ONLY public.commodities
    ADD CONSTRAINT commodities_name_key UNIQUE (name);
ALTER TABLE ONLY public.commodities
    ADD CONSTRAINT commodities_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.cooperatives
    ADD CONSTRAINT cooperatives_name_key UNIQUE (country, name);
ALTER TABLE ONLY public.cooperatives
    ADD CONSTRAINT cooperatives_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.edge_sessions
    ADD CONSTRAINT edge_sessions_pkey PRIMARY KEY (token_hash);
ALTER TABLE ONLY public.edge_streams
    ADD CONSTRAINT edge_streams_pkey PRIMARY KEY (edge_id, incarnation);
ALTER TABLE ONLY public.edges
    ADD CONSTRAINT edges_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.enrolment_codes
    ADD CONSTRAINT enrolment_codes_hash_key UNIQUE (code_hash);
ALTER TABLE ONLY public.enrolment_codes
    ADD CONSTRAINT enrolment_codes_pkey PRIMARY KEY (edge_id);
ALTER TABLE ONLY public.hub
    ADD CONSTRAINT hub_pkey PRIMARY KEY (one);
ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (user_id, route, key);
ALTER TABLE ONLY public.job_cursors
    ADD CONSTRAINT job_cursors_pkey PRIMARY KEY (job, bucket);
ALTER TABLE ONLY public.listings
    ADD CONSTRAINT listings_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.login_attempts
    ADD CONSTRAINT login_attempts_pkey PRIMARY KEY (phone);
ALTER TABLE ONLY public.markets
    ADD CONSTRAINT markets_name_key UNIQUE (country, name);
ALTER TABLE ONLY public.markets
    ADD CONSTRAINT markets_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.member_aliases
    ADD CONSTRAINT member_aliases_pkey PRIMARY KEY (from_id);
ALTER TABLE ONLY public.members
    ADD CONSTRAINT members_phone_key UNIQUE (cooperative_id, phone);
ALTER TABLE ONLY public.members
    ADD CONSTRAINT members_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.price_imports
    ADD CONSTRAINT price_imports_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.price_revisions
    ADD CONSTRAINT price_revisions_pkey PRIMARY KEY (series_id, month, import_id);
ALTER TABLE ONLY public.price_series
    ADD CONSTRAINT price_series_key UNIQUE (market_id, commodity_id, unit_id, price_type, currency, source);
ALTER TABLE ONLY public.price_series
    ADD CONSTRAINT price_series_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.prices
    ADD CONSTRAINT prices_pkey PRIMARY KEY (series_id, month);
ALTER TABLE ONLY public.refresh_tokens
    ADD CONSTRAINT refresh_tokens_pkey PRIMARY KEY (hash);
ALTER TABLE ONLY public.region_neighbours
    ADD CONSTRAINT region_neighbours_pkey PRIMARY KEY (region_id, neighbour_id);
ALTER TABLE ONLY public.regions
    ADD CONSTRAINT regions_name_key UNIQUE (country, name);
ALTER TABLE ONLY public.regions
    ADD CONSTRAINT regions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.stock_entries
    ADD CONSTRAINT stock_entries_pkey PRIMARY KEY (of_id, step);
ALTER TABLE ONLY public.superseded_verdicts
    ADD CONSTRAINT superseded_verdicts_pkey PRIMARY KEY (edge_id, incarnation, verdict_number);
ALTER TABLE ONLY public.sync_rows
    ADD CONSTRAINT sync_rows_pkey PRIMARY KEY (bucket, entity, id);
ALTER TABLE ONLY public.units
    ADD CONSTRAINT units_code_key UNIQUE (code);
ALTER TABLE ONLY public.units
    ADD CONSTRAINT units_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_phone_key UNIQUE (phone);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);
CREATE INDEX commands_open ON public.commands USING btree (edge_id, incarnation, seq) WHERE (verdict = ANY (ARRAY['held'::text, 'quarantined'::text, 'unsupported'::text]));
CREATE UNIQUE INDEX commands_verdict ON public.commands USING btree (edge_id, incarnation, verdict_number);
CREATE INDEX edge_sessions_edge ON public.edge_sessions USING btree (edge_id);
CREATE INDEX edges_cooperative ON public.edges USING btree (cooperative_id);
CREATE INDEX idempotency_keys_age ON public.idempotency_keys USING btree (created_at);
CREATE INDEX listings_commodity ON public.listings USING btree (commodity_id, id);
CREATE INDEX listings_cooperative ON public.listings USING btree (cooperative_id, id);
CREATE INDEX listings_recorded ON public.listings USING btree (recorded_at DESC, id DESC);
CREATE INDEX login_attempts_age ON public.login_attempts USING btree (changed_at);
CREATE INDEX markets_region ON public.markets USING btree (region_id);
CREATE INDEX orders_buyer ON public.orders USING btree (buyer_phone, id);
CREATE INDEX orders_buyer_user ON public.orders USING btree (buyer_user_id, id) WHERE (buyer_user_id IS NOT NULL);
CREATE INDEX orders_cooperative ON public.orders USING btree (cooperative_id, id);
CREATE INDEX orders_listing ON public.orders USING btree (listing_id);
CREATE INDEX price_series_commodity ON public.price_series USING btree (commodity_id, market_id);
CREATE INDEX refresh_tokens_age ON public.refresh_tokens USING btree (expires_at);
CREATE INDEX refresh_tokens_family ON public.refresh_tokens USING btree (family);
CREATE INDEX stock_entries_listing ON public.stock_entries USING btree (listing_id, holder) INCLUDE (quantity_milli);
CREATE INDEX sync_rows_tombstones ON public.sync_rows USING btree (bucket, version) WHERE deleted;
CREATE UNIQUE INDEX sync_rows_version ON public.sync_rows USING btree (bucket, version);
CREATE INDEX users_cooperative ON public.users USING btree (cooperative_id) WHERE (cooperative_id IS NOT NULL);
ALTER TABLE ONLY public.cooperatives
    ADD CONSTRAINT cooperatives_region_id_fkey FOREIGN KEY (region_id) REFERENCES public.regions(id);
ALTER TABLE ONLY public.edge_sessions
    ADD CONSTRAINT edge_sessions_edge_id_fkey FOREIGN KEY (edge_id) REFERENCES public.edges(id);
ALTER TABLE ONLY public.edge_streams
    ADD CONSTRAINT edge_streams_edge_id_fkey FOREIGN KEY (edge_id) REFERENCES public.edges(id);
ALTER TABLE ONLY public.edges
    ADD CONSTRAINT edges_cooperative_id_fkey FOREIGN KEY (cooperative_id) REFERENCES public.cooperatives(id);
ALTER TABLE ONLY public.enrolment_codes
    ADD CONSTRAINT enrolment_codes_edge_id_fkey FOREIGN KEY (edge_id) REFERENCES public.edges(id);
ALTER TABLE ONLY public.listings
    ADD CONSTRAINT listings_commodity_id_fkey FOREIGN KEY (commodity_id) REFERENCES public.commodities(id);
ALTER TABLE ONLY public.listings
    ADD CONSTRAINT listings_cooperative_id_fkey FOREIGN KEY (cooperative_id) REFERENCES public.cooperatives(id);
ALTER TABLE ONLY public.listings
    ADD CONSTRAINT listings_unit_id_fkey FOREIGN KEY (unit_id) REFERENCES public.units(id);
ALTER TABLE ONLY public.markets
    ADD CONSTRAINT markets_region_id_fkey FOREIGN KEY (region_id) REFERENCES public.regions(id);
ALTER TABLE ONLY public.member_aliases
    ADD CONSTRAINT member_aliases_cooperative_id_fkey FOREIGN KEY (cooperative_id) REFERENCES public.cooperatives(id);
ALTER TABLE ONLY public.member_aliases
    ADD CONSTRAINT member_aliases_to_id_fkey FOREIGN KEY (to_id) REFERENCES public.members(id);
ALTER TABLE ONLY public.members
    ADD CONSTRAINT members_cooperative_id_fkey FOREIGN KEY (cooperative_id) REFERENCES public.cooperatives(id);
ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_cooperative_id_fkey FOREIGN KEY (cooperative_id) REFERENCES public.cooperatives(id);
ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_listing_id_fkey FOREIGN KEY (listing_id) REFERENCES public.listings(id);
ALTER TABLE ONLY public.price_series
    ADD CONSTRAINT price_series_commodity_id_fkey FOREIGN KEY (commodity_id) REFERENCES public.commodities(id);
ALTER TABLE ONLY public.price_series
    ADD CONSTRAINT price_series_market_id_fkey FOREIGN KEY (market_id) REFERENCES public.markets(id);
ALTER TABLE ONLY public.price_series
    ADD CONSTRAINT price_series_unit_id_fkey FOREIGN KEY (unit_id) REFERENCES public.units(id);
ALTER TABLE ONLY public.prices
    ADD CONSTRAINT prices_series_id_fkey FOREIGN KEY (series_id) REFERENCES public.price_series(id);
ALTER TABLE ONLY public.refresh_tokens
    ADD CONSTRAINT refresh_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.region_neighbours
    ADD CONSTRAINT region_neighbours_neighbour_id_fkey FOREIGN KEY (neighbour_id) REFERENCES public.regions(id);
ALTER TABLE ONLY public.region_neighbours
    ADD CONSTRAINT region_neighbours_region_id_fkey FOREIGN KEY (region_id) REFERENCES public.regions(id);
ALTER TABLE ONLY public.stock_entries
    ADD CONSTRAINT stock_entries_listing_id_fkey FOREIGN KEY (listing_id) REFERENCES public.listings(id);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_cooperative_id_fkey FOREIGN KEY (cooperative_id) REFERENCES public.cooperatives(id);
