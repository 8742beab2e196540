# Skrini za menyu ya kupiga, kwa Kiswahili.
#
# Maandishi yawe mafupi: skrini nzima pamoja na majina marefu isizidi herufi 160 za alfabeti ya simu.
# Tumia ' na - tu.

nav-more = Zaidi
nav-back = Rudi
nav-home = Mwanzo

language-name = Kiswahili

home-title = Karibu Mizili
home-prices = Bei za soko
home-sell = Uza
home-buy = Nunua
home-orders = Oda zangu
home-me = Akaunti yangu

resume-title = Hukumaliza mara iliyopita.
resume-go = Endelea na: { $what }
resume-no = Hapana, iache
doing-sell = kuuza { $what }
doing-buy = kununua { $what }
doing-register = kujisajili
doing-withdraw = kuondoa { $what }
doing-cancel = kufuta oda: { $what }
doing-language = kubadilisha lugha

what = { $crop } { $quantity }

hint-choose = Chagua namba iliyopo.
hint-not-found = Hakuna kilichopatikana.
hint-number = Andika namba, mfano 50.
hint-zero = Lazima izidi 0.
hint-fine = Tarakimu nyingi mno baada ya nukta.
hint-big = Isizidi { $max }.
hint-comma = Andika 1000, si 1,000 wala 1.000.
hint-parts = Andika namba kamili, mfano 3.
hint-only = Zimebaki { $left } tu.
hint-own = Hii ni bidhaa yako mwenyewe.
hint-name = Andika jina lako kwa herufi, zisizidi 40.
hint-gone = Hii haipo tena. Chagua nyingine.
hint-gone-all = Hii haipo tena.

stopped = Tuishie hapa. Tafadhali piga tena, au uliza ofisini.
stopped-to = Tuishie hapa. Unaweza kutuma SMS kwa { $number }: { $sms }
stopped-help = Tuishie hapa. Tafadhali piga tena. Kwa msaada tuma { $sms } kwa { $number }.
stopped-kept = Ulichoanza kimehifadhiwa hadi utakapopiga tena.
dropped = Tumeacha. Hakuna kilichofanyika.
misread = Hatukuelewa simu hii. Tafadhali piga tena. Ikitokea tena, uliza ofisi yako.
sorry = Samahani, hatuwezi kusoma kumbukumbu sasa. Tafadhali piga tena baada ya dakika chache.
dial-again = Tafadhali piga tena.

month = { $name } { $year }
month-1 = Jan
month-2 = Feb
month-3 = Mac
month-4 = Apr
month-5 = Mei
month-6 = Jun
month-7 = Jul
month-8 = Ago
month-9 = Sep
month-10 = Okt
month-11 = Nov
month-12 = Des
unit-kg = kg
unit-g = g
unit-l = lita
unit-ml = ml
unit-piece = moja
unit-bunch = fungu
unit-head = kichwa
unit-packet = pakiti
unit-pair = jozi
unit-heap = rundo
unit-loaf = mkate
unit-sack = gunia

price-crops-title = Bei ya nini? Namba au jina:
price-crops-none = Bado hakuna bei hapa.
price-markets-title = { $crop }: soko gani?
price-markets-none = Bado hakuna soko lenye bei ya { $crop }.
price-none = Bado hakuna bei ya { $crop } soko la { $market }.
price-now = { $price }/{ $unit } { $kind }
price-retail = rejareja
price-wholesale = jumla
price-farm-gate = shambani
price-when = { $month } ({ $source })
price-old = YA ZAMANI: { $when }
price-up = Imepanda { $amount } tangu { $month }
price-down = Imeshuka { $amount } tangu { $month }
price-same = Sawa na { $month }
price-best = Bei bora karibu: { $market } { $price }, { $month }
price-best-here = Bei bora karibu: hapa hapa

sell-title = Uza
sell-new = Weka mazao sokoni
sell-mine = Mazao niliyoweka
sell-crops-title = Unauza nini? Namba au jina:
sell-crops-none = Bado hakuna cha kuuza hapa.
sell-units-title = { $crop }: kipimo gani?
sell-quantity = { $crop }: kiasi gani, kwa { $unit }?
sell-price = { $crop }: bei yako ya { $unit } 1, kwa { $currency }?
sell-price-joint = { $crop }: bei yako ya { $unit }, kwa { $currency }?
sell-confirm = Uza { $what } kwa { $price }/{ $unit }. Jumla: { $total }
sell-yes = Ndiyo, weka sokoni
confirm-no = Hapana, acha
mine-title = Mazao niliyoweka:
mine-none = Hujaweka mazao sokoni.
mine-one = { $crop }, { $price }/{ $unit }. Imebaki: { $left } kati ya { $all }. { $state }
mine-withdraw = Ondoa sokoni
mine-gone = Haipo tena sokoni.
state-on-sale = Iko sokoni.
state-sold-out = Imeisha.
state-withdrawn = Imeondolewa.
state-waiting = Inasubiri kutumwa.
withdraw-confirm = Uondoe sokoni { $what }, { $price }/{ $unit }?
withdraw-yes = Ndiyo, ondoa

buy-crops-title = Unanunua nini? Namba au jina:
buy-crops-none = Hakuna kinachouzwa hapa sasa.
buy-listings-title = { $crop }: chagua muuzaji
buy-listings-none = { $crop } haiuzwi sasa.
buy-quantity = { $crop } { $price }/{ $unit }, { $seller }. Hapa sasa: { $here }. Jumla: { $total }. Kiasi gani, kwa { $unit }?
buy-confirm = Nunua { $what }, { $price }/{ $unit }. Lipa: { $total }.
buy-from = Muuzaji: { $seller }.
buy-held = Ipo hapa.
buy-ask = Si yote ipo: tutakutumia SMS.
buy-yes = Ndiyo, agiza
buy-gone = Haiuzwi tena.

orders-title = Oda zangu:
orders-none = Huna oda.
order-gone = Oda hii haipo tena hapa.
order-line = { $what }: { $status }
order-one = { $what } kwa { $price }/{ $unit }. Jumla: { $total }. Oda: { $status }
order-cancel = Futa oda
order-confirmed = imethibitishwa
order-asked = imeombwa, bado
order-short = haitoshi, uliza ofisini
order-fulfilled = imepokelewa
order-cancelled = imefutwa
order-cancel-asked = inaombwa ifutwe
order-refused = imekataliwa
cancel-confirm = Ufute oda yako ya { $what }, { $total }?
cancel-yes = Ndiyo, futa

me-unknown = Hujajisajili.
me-register = Jisajili
me-language = Lugha
language-title = Chagua lugha yako:
register-first = Tafadhali jisajili kwanza, ni bure.
register-name = Jina lako kamili?
register-language = { $name }, lugha gani?
register-confirm = Tukusajili { $name }, { $phone }, { $language }?
register-yes = Ndiyo, nisajili

done-sell = Iko sokoni sasa: { $what } kwa { $price }/{ $unit }. Kuiona: 2 Uza, 2.
asked-sell = Imetumwa ofisini: { $what }. Tutakutumia SMS.
done-buy = IMETHIBITISHWA: { $what } kutoka { $seller }. Utalipa: { $total }.
asked-buy = IMEOMBWA, bado si hakika: { $what } kutoka { $seller }, { $total }. Tutakutumia SMS.
reference = Namba: { $reference }
done-withdraw = Imeondolewa sokoni: { $what }.
asked-withdraw = Tumeomba kuondoa { $what }. Tutakutumia SMS.
done-cancel = Oda imefutwa: { $what }.
asked-cancel = Tumeomba kufuta oda: { $what }. Tutakutumia SMS.
done-register = Umesajiliwa, { $name }.
done-language = Lugha yako sasa ni Kiswahili.
not-taken = HAIJAFANYIKA: { $doing }. Hatuwezi kuhifadhi sasa, hakuna kilichohifadhiwa. Jaribu tena baadaye.
paused = HAIJAFANYIKA: { $doing }. Ofisi lazima ikague ghala kwanza. Jaribu tena baadaye.
closed = HAIJAFANYIKA: { $doing }. Namba hii haipokei chochote sasa. Tafadhali uliza ushirika wako.
rejected = HAIJAFANYIKA: { $doing }. { $why }
why-not-enough = Zimebaki { $left } tu.
why-gone = Haiuzwi tena.
why-price = Bei sasa ni { $price }/{ $unit }.
why-too-late = Oda iko njiani tayari. Uliza ofisini.
why-not-allowed = Namba hii hairuhusiwi. Uliza ofisini.
why-own = Ni bidhaa yako mwenyewe.
why-duplicate = Ilishafanyika.
why-other = Tafadhali uliza ofisini.
