# Sentensi za ukurasa wa ofisi, kwa Kiswahili. Bado hazijasomwa na mzungumzaji wa asili.

status-waiting-none = Hakuna kinachosubiri kutumwa.
status-waiting-one = Jambo 1 linasubiri kutumwa.
status-waiting = Mambo { $count } yanasubiri kutumwa.
status-stores-nothing = Kompyuta hii haiwezi kuhifadhi chochote kwa sasa, kwa hiyo hakuna jipya linalopokelewa. Yaliyopokelewa awali yako salama.
status-in-touch = Ofisi hii imeunganishwa na kituo kikuu.
status-contact = Mawasiliano ya mwisho: { $when }.
status-contact-never = Bado hakujakuwa na mawasiliano na kituo kikuu.
status-nothing-lost = Hakuna kilichopotea.
status-shut-out = Kituo kikuu hakiikubali kompyuta hii: yanayoandikwa hapa hayatakifikia hadi msimamizi wake ashughulikie.
status-revoked = Msimamizi wa kituo kikuu ameifunga kompyuta hii: yanayoandikwa hapa hayahesabiwi hadi msimamizi ayaangalie.
status-operator-one = Msimamizi wa kituo kikuu lazima aangalie moja kati yake.
status-operator = Msimamizi wa kituo kikuu anapaswa kuangalia { $count } kati yake.
status-sms-stuck-one = SMS 1 inasubiri, na kompyuta hii haina akaunti ya kuituma: tazama mipangilio yake (edge.toml).
status-sms-stuck = SMS { $count } zinasubiri, na kompyuta hii haina akaunti ya kuzituma: tazama mipangilio yake (edge.toml).
status-sms-stuck-at-one = SMS 1 inasubiri njia ya simu isiyo na akaunti ({ $gateways }): iandikie akaunti kwa jina hilo kwenye mipangilio ya kompyuta hii (edge.toml).
status-sms-stuck-at = SMS { $count } zinasubiri njia ya simu isiyo na akaunti ({ $gateways }): iandikie akaunti kwa jina hilo kwenye mipangilio ya kompyuta hii (edge.toml).
status-sms-given-up-one = SMS 1 ya siku 30 zilizopita haikuweza kutumwa kwa wiki nzima, kwa hiyo imeachwa: haikumfikia mtu.
status-sms-given-up = SMS { $count } za siku 30 zilizopita hazikuweza kutumwa kwa wiki nzima, kwa hiyo zimeachwa: hazikumfikia mtu.
status-fetching = Bado si kila kitu kimefika kutoka kituo kikuu. Kilichopo kinaweza kutumika.
status-not-equal = Baadhi ya kilichopo hapa kinatofautiana na cha kituo kikuu; kinachukuliwa upya.

stock-sell = Unaweza kuuza { $quantity } hapa wakati wowote, hata bila mtandao.
stock-sell-nothing = Hakuna kilichobaki hapa cha kuuza mara moja.
stock-hub = { $quantity } zimewekwa kwa wanunuzi wanaoagiza kwa simu au mtandaoni: kituo kikuu ndicho huziuza. Bidhaa inapowekwa sokoni, { $percent } kati ya kila 100 huenda huko; unazopokea baadaye hubaki hapa. Kwa kuwa kila upande huuza sehemu yake tu, hakuna kinachouzwa mara mbili, hata mtandao usipokuwepo.
stock-hub-nothing = Hakuna kilichobaki cha sehemu ya simu na mtandao.
stock-ask = Mtu anataka zaidi ya ulichonacho hapa? Pokea oda: kituo kikuu kitaulizwa, na jibu litakuja mtandao ukirudi.
stock-other = { $quantity } ziko kwenye ofisi nyingine.
stock-sold = { $quantity } zimeuzwa. Huenda bado ziko ghalani, lakini haziuzwi tena.
stock-coming = { $quantity } za oda zilizofutwa zitarudi kituo kikuu kitakapopata taarifa.
stock-unheard = Kituo kikuu bado hakijapata taarifa ya { $quantity } zitakazouzwa nacho.
stock-short = Kimeuzwa hapa zaidi ya kilichoandikwa. Hadi jambo hilo litatuliwe, kituo kikuu kitaulizwa kwa kila oda mpya. Je, hesabu ya mwisho ilikosewa? Itengue. Je, chote kipo na hesabu haikukosewa? Kihesabu, na kituo kikuu kitathibitisha oda zake mkiwasiliana tena. La sivyo, nenda kwenye Oda, futa oda iliyopungua, zungumza na mnunuzi wake, kisha hesabu bidhaa hii tena.
stock-fetching = Ofisi hii bado inapokea kumbukumbu zake. Hadi zote zifike, kituo kikuu kitaulizwa kwa kila oda mpya.
stock-rewound = Huenda kompyuta hii haijui yote yaliyouzwa hapa. Hadi bidhaa hii ihesabiwe, kituo kikuu kitaulizwa kwa kila oda yake mpya.
stock-rewound-unheard = Huenda kompyuta hii haijui yote yaliyouzwa hapa. Hadi kituo kikuu kipatikane na bidhaa hii ihesabiwe, kituo kikuu kitaulizwa kwa kila oda yake mpya.
stock-copied = Kumbukumbu za kompyuta hii huenda zinatumika mahali pengine pia. Hadi kituo kikuu kiikubali kompyuta hii, kitaulizwa kwa kila oda mpya.
stock-shut-out = Kituo kikuu hakiikubali kompyuta hii, kwa hiyo hakuna kinachoweza kuahidiwa hapa.
stock-withdrawn = Hii haiuzwi tena.

did-member-register = Kumsajili { $name }
did-listing-post = Kuuza { $what }
did-listing-edit = Kubadilisha { $what }
did-listing-withdraw = Kuondoa { $what } sokoni
did-order-place = Oda ya { $what }
did-order-place-for = Oda ya { $what } kwa { $buyer }
did-order-cancel = Kufuta oda ya { $what }
did-stock-intake = Kupokea { $what }
did-stock-write-off = Kuondoa { $what } ghalani
did-stock-count = Kuhesabu { $what }
did-unknown = Jambo ambalo toleo hili halilijui

who-office = ofisi
who-phone = { $phone } kwa simu

why-invalid = Kuna kitu ndani yake kisichofaa.
why-not-enough = Zilibaki { $left } tu kwenye kituo kikuu.
why-nothing-left = Hakuna kilichobaki kwenye kituo kikuu.
why-not-found = Kituo kikuu hakina kitu hicho.
why-withdrawn = Ilikuwa imeondolewa sokoni.
why-conflict = Mtu mwingine alikuwa ameibadilisha: { $field } sasa ni { $current }.
why-conflict-plain = Mtu mwingine alikuwa ameibadilisha.
why-not-allowed = Kituo kikuu hakiruhusu.
why-price-changed = Bei ilikuwa imebadilika kuwa { $price }.
why-too-late = Oda ilikuwa njiani tayari, au imekamilika.
why-unknown-commodity = Kituo kikuu hakina zao hili.
why-unknown-unit = Kituo kikuu hakina kipimo hiki.
why-duplicate = Ilikuwepo tayari.
why-dismissed = Msimamizi wa kituo kikuu aliiweka kando.
why-other = Kituo kikuu kimeikataa.

order-cancel-waiting = Kituo kikuu bado hakijakubali kufuta.

field-price = bei
field-title = jina
field-other = kitu kingine

product-gone = Bidhaa isiyopo tena
