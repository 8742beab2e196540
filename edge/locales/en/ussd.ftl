# Screens of the dialled menu, in English. Every other language is measured against this file.
#
# Keep texts short: a whole screen with its longest names aims at 160 letters of the telephone alphabet.
# Use ' and - only, never curly quotes or long dashes. Word things so that no plural is needed.

# Keys under most screens
nav-more = More
nav-back = Back
nav-home = Home

# Its own name, shown in every list of languages
language-name = English

# The first screen
home-title = Welcome to Mizili
home-prices = Prices
home-sell = Sell
home-buy = Buy
home-orders = My orders
home-me = Me

# A dial after one that was cut off
resume-title = You did not finish last time.
resume-go = Go on with: { $what }
resume-no = No, leave it
doing-sell = sell { $what }
doing-buy = buy { $what }
doing-register = register
doing-withdraw = take back { $what }
doing-cancel = cancel order: { $what }
doing-language = change the language

# A quantity of something: 50 kg Maize
what = { $quantity } { $crop }

# One short line on top when a key was wrong
hint-choose = Choose a number shown.
hint-not-found = Nothing found for that.
hint-number = Write a number, like 50.
hint-zero = It must be more than 0.
hint-fine = Too many digits after the point.
hint-big = At most { $max }.
hint-comma = Write 1000, not 1,000 or 1.000.
hint-parts = Write a whole number, like 3.
hint-only = Only { $left } left.
hint-own = This is your own offer.
hint-name = Write your name in letters, at most 40.
hint-gone = This is gone. Choose another.
hint-gone-all = This is gone.

# After three wrong keys
stopped = Let us stop here. Please dial again, or ask at the office.
stopped-to = Let us stop here. You can send this SMS to { $number }: { $sms }
stopped-help = Let us stop here. Please dial again. For help send { $sms } to { $number }.
stopped-kept = What you began is kept for your next call.
dropped = Stopped. Nothing was done.
misread = We could not understand this call. Please dial again. If it happens again, ask your office.
sorry = Sorry, we cannot read our records now. Please dial again in some minutes.
dial-again = Please dial again.

# Months and units
month = { $name } { $year }
month-1 = Jan
month-2 = Feb
month-3 = Mar
month-4 = Apr
month-5 = May
month-6 = Jun
month-7 = Jul
month-8 = Aug
month-9 = Sep
month-10 = Oct
month-11 = Nov
month-12 = Dec
unit-kg = kg
unit-g = g
unit-l = litre
unit-ml = ml
unit-piece = piece
unit-bunch = bunch
unit-head = head
unit-packet = packet
unit-pair = pair
unit-heap = heap
unit-loaf = loaf
unit-sack = sack

# Prices
price-crops-title = Price of what? Number or name:
price-crops-none = No prices here yet.
price-markets-title = { $crop }: which market?
price-markets-none = No market has a price for { $crop } yet.
price-none = No price yet for { $crop } in { $market }.
price-now = { $price }/{ $unit } { $kind }
price-retail = retail
price-wholesale = wholesale
price-farm-gate = at the farm
price-when = { $month } ({ $source })
price-old = OLD: { $when }
price-up = Up { $amount } since { $month }
price-down = Down { $amount } since { $month }
price-same = Same as in { $month }
price-best = Best near: { $market } { $price }, { $month }
price-best-here = Best near: here

# Sell
sell-title = Sell
sell-new = Offer produce for sale
sell-mine = My offers
sell-crops-title = Sell what? Number or name:
sell-crops-none = Nothing can be offered here yet.
sell-units-title = { $crop }: sold by what?
sell-quantity = { $crop }: how much, in { $unit }?
sell-price = { $crop }: your price for 1 { $unit }, in { $currency }?
sell-price-joint = { $crop }: your price for { $unit }, in { $currency }?
sell-confirm = Sell { $what } at { $price }/{ $unit }. All: { $total }
sell-yes = Yes, offer it
confirm-no = No, stop
mine-title = My offers:
mine-none = You offer nothing now.
mine-one = { $crop }, { $price }/{ $unit }. Left: { $left } of { $all }. { $state }
mine-withdraw = Take it back
mine-gone = This offer is gone.
state-on-sale = On sale.
state-sold-out = Sold out.
state-withdrawn = Taken back.
state-waiting = Waiting to be sent.
withdraw-confirm = Take back { $what } at { $price }/{ $unit } from sale?
withdraw-yes = Yes, take it back

# Buy
buy-crops-title = Buy what? Number or name:
buy-crops-none = Nothing is offered here now.
buy-listings-title = { $crop }: which offer?
buy-listings-none = No offer of { $crop } now.
buy-quantity = { $crop } { $price }/{ $unit }, { $seller }. Here now: { $here }. In all: { $total }. How much, in { $unit }?
buy-confirm = Buy { $what } at { $price }/{ $unit }. To pay: { $total }.
buy-from = Seller: { $seller }.
buy-held = It is here.
buy-ask = Not all here: we will SMS you.
buy-yes = Yes, order it
buy-gone = This offer is gone.

# My orders
orders-title = My orders:
orders-none = You have no orders.
order-gone = This order is not here any more.
order-line = { $what }: { $status }
order-one = { $what } at { $price }/{ $unit }. All: { $total }. Order: { $status }
order-cancel = Cancel it
order-confirmed = confirmed
order-asked = asked, not sure yet
order-short = not enough, ask at the office
order-fulfilled = received
order-cancelled = cancelled
order-cancel-asked = cancel asked
order-refused = refused
cancel-confirm = Cancel your order of { $what }, { $total }?
cancel-yes = Yes, cancel it

# Me
me-unknown = You are not registered.
me-register = Register
me-language = Language
language-title = Choose your language:
register-first = Please register first, it is free.
register-name = Your full name?
register-language = { $name }, which language?
register-confirm = Register { $name }, { $phone }, { $language }?
register-yes = Yes, register me

# What became of it
done-sell = On sale now: { $what } at { $price }/{ $unit }. To see it: 2 Sell, 2.
asked-sell = Sent to the office: { $what }. We will SMS you.
done-buy = CONFIRMED: { $what } from { $seller }. To pay: { $total }.
asked-buy = ASKED, not sure yet: { $what } from { $seller }, { $total }. We will SMS you.
reference = Number: { $reference }
done-withdraw = Taken back: { $what }.
asked-withdraw = We asked to take back { $what }. We will SMS you.
done-cancel = Order cancelled: { $what }.
asked-cancel = We asked to cancel the order: { $what }. We will SMS you.
done-register = You are registered, { $name }.
done-language = Your language is English now.
not-taken = NOT done: { $doing }. We cannot save now, so nothing was kept. Please try again later.
paused = NOT done: { $doing }. The office must check its stock first. Please try again later.
closed = NOT done: { $doing }. This number takes nothing now. Please ask your cooperative.
rejected = NOT done: { $doing }. { $why }
why-not-enough = Only { $left } left.
why-gone = It is not on sale any more.
why-price = The price is now { $price }/{ $unit }.
why-too-late = The order is already on its way. Ask at the office.
why-not-allowed = This number may not do that. Ask at the office.
why-own = It is your own offer.
why-duplicate = It was done already.
why-other = Please ask at the office.
