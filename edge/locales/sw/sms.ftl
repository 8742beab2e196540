# Majibu na taarifa kwa SMS, kwa Kiswahili. Kila moja itoshe SMS moja.

keyword-price = BEI
keyword-help = MSAADA SAIDIA USAIDIZI
keyword-stop = ACHA KOMESHA SITISHA
keyword-start = ANZA ENDELEA

sms-example = BEI MAHINDI { $market }
sms-price = { $crop }, { $market }: { $facts }
sms-price-none = Bado hakuna bei ya { $crop } soko la { $market }.
sms-help = Mizili: kujua bei tuma { $example }. Kuacha SMS tuma ACHA, kuzipata tena ANZA.
sms-help-dial = Mizili: kujua bei tuma { $example }. Kuacha SMS tuma ACHA, kuzipata tena ANZA. Au piga { $code }
sms-stop = Hutapata tena SMS kutoka Mizili. Kuzipata tena tuma ANZA.
sms-start = Utapata tena SMS kutoka Mizili. Kwa msaada tuma MSAADA.
sms-unknown = Samahani, hatujaelewa. Kujua bei tuma { $example }. Kwa msaada tuma MSAADA.
sms-which = Ipi? Tuma { $keyword } na moja ya hizi: { $options }
sms-no-crop = Hatuna bei ya "{ $crop }". Tuma mfano: { $example }
sms-no-market = Hakuna soko "{ $market }" lenye bei ya { $crop }. Jaribu: { $options }
sms-add-market = Soko gani? Tuma mfano: { $example }

notice-confirmed = Oda yako IMETHIBITISHWA: { $what }. Utalipa: { $total }.
notice-refused = Oda yako HAIJAKUBALIWA: { $what }. { $why }
notice-short = Haitoshi kwa oda yako: { $what }. Tafadhali wasiliana na ofisi.
notice-cancelled = Oda yako imefutwa: { $what }.
notice-cancel-refused = Oda yako HAIJAFUTWA: { $what }. { $why }
notice-offer-refused = Mazao yako HAYAJAKUBALIWA: { $what }. { $why }
notice-withdrawn = Mazao yako yameondolewa sokoni: { $what }.
notice-withdraw-refused = Mazao yako HAYAJAONDOLEWA sokoni: { $what }. { $why }
notice-register-refused = HUJASAJILIWA. { $why }
