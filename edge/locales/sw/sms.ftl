# Majibu na taarifa kwa SMS, kwa Kiswahili. Kila moja itoshe SMS moja.

keyword-price = BEI
keyword-help = MSAADA SAIDIA USAIDIZI
keyword-stop = ACHA KOMESHA
keyword-stop-or-cancel = SITISHA FUTA
keyword-start = ANZA ENDELEA
keyword-order = ODA AGIZO
keyword-courtesy = TAFADHALI ASANTE ASANTENI SANA TU SASA ZOTE UJUMBE

sms-price = { $crop }, { $market }: { $facts }
sms-price-none = Bado hakuna bei ya { $crop } soko la { $market }.
sms-help = Mizili: kujua bei tuma { $example }. Kuacha SMS tuma { $stop }, kuzipata tena { $start }.
sms-help-dial = Mizili: kujua bei tuma { $example }. Kuacha SMS tuma { $stop }, kuzipata tena { $start }. Au piga { $code }
sms-stop = Hutapata tena SMS kutoka Mizili. Kuzipata tena tuma { $start }.
sms-start = Utapata tena SMS kutoka Mizili. Kwa msaada tuma { $help }.
sms-unknown = Samahani, hatujaelewa. Kujua bei tuma { $example }. Kwa msaada tuma { $help }.
sms-cancel = Kufuta oda zungumza na ofisi. Kuacha SMS tuma { $stop }.
sms-cancel-dial = Kufuta oda piga { $code }, kisha 4 { $orders }. Kuacha SMS tuma { $stop }.
sms-which = Ipi? Tuma { $keyword } na moja ya hizi: { $options }
sms-no-crop = Hatuna bei ya "{ $crop }". Tuma mfano: { $example }
sms-no-market = Hatuna bei ya soko "{ $market }". Tuma { $keyword } na moja ya hizi: { $options }
sms-add-market = Soko gani? Tuma mfano: { $example }

notice-confirmed = Oda yako IMETHIBITISHWA: { $what }. Utalipa: { $total }.
notice-refused = Oda yako HAIJAKUBALIWA: { $what }. { $why }
notice-short = Haitoshi kwa oda yako: { $what }. Tafadhali wasiliana na ofisi.
notice-confirmed-again = Oda yako IMETHIBITISHWA tena: { $what }. Utalipa: { $total }.
notice-cancelled = Oda yako imefutwa: { $what }.
notice-cancel-refused = Oda yako HAIJAFUTWA: { $what }. { $why }
notice-offer-refused = Mazao yako HAYAJAKUBALIWA: { $what }. { $why }
notice-withdrawn = Mazao yako yameondolewa sokoni: { $what }.
notice-withdraw-refused = Mazao yako HAYAJAONDOLEWA sokoni: { $what }. { $why }
notice-register-refused = HUJASAJILIWA. { $why }
