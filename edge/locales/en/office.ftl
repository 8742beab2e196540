# Sentences of the office page and its API that are put together from what the box knows, in English.
# Plain words for a clerk: nothing of how the programs speak with each other.

status-waiting-none = Nothing is waiting to be sent.
status-waiting-one = 1 thing is waiting to be sent.
status-waiting = { $count } things are waiting to be sent.
status-stores-nothing = This box can store nothing at the moment, so nothing new is taken. What was taken before is safe.
status-in-touch = This office is in touch with the hub.
status-contact = Last contact: { $when }.
status-contact-never = There has been no contact with the hub yet.
status-nothing-lost = Nothing is lost.
status-shut-out = The hub does not let this box in: what is entered here does not reach it until its operator has seen to that.
status-revoked = The hub's operator has ended this box: what is entered here does not count until the operator has looked at it.
status-operator-one = The hub's operator has to look at one of them.
status-operator = The hub's operator has to look at { $count } of them.
status-sms-stuck-one = 1 SMS is waiting, and this box has no account to send it with: see its settings (edge.toml).
status-sms-stuck = { $count } SMS are waiting, and this box has no account to send them with: see its settings (edge.toml).
status-sms-stuck-at-one = 1 SMS is waiting for a gateway that has no account ({ $gateways }): write one under that name into this box's settings (edge.toml).
status-sms-stuck-at = { $count } SMS are waiting for a gateway that has no account ({ $gateways }): write one under that name into this box's settings (edge.toml).
status-sms-given-up-one = 1 SMS of the last 30 days could not be sent for a week and was given up: nobody got it.
status-sms-given-up = { $count } SMS of the last 30 days could not be sent for a week and were given up: nobody got them.
status-fetching = Not everything has come from the hub yet. What is here can be used.
status-not-equal = Some of what is here differs from the hub's; it is being fetched anew.

stock-sell = You can sell { $quantity } here at any time, also without a line.
stock-sell-nothing = Nothing is left here that you can sell at once.
stock-hub = { $quantity } are kept for buyers who order by phone or on the web: the hub sells them. When a product is offered, { $percent } of every 100 go there; what is taken in later stays here. Because each side sells only its own part, nothing is sold twice, even while there is no line.
stock-hub-nothing = Nothing is left of the part for phones and the web.
stock-ask = Somebody wants more than you hold here? Take the order all the same: the hub is asked, and the answer comes with the line.
stock-other = { $quantity } are held by other offices.
stock-sold = { $quantity } are sold. They may still be in the store, but are no longer for sale.
stock-coming = { $quantity } of cancelled orders come back when the hub has heard of it.
stock-unheard = The hub has yet to hear of { $quantity } that are for it to sell.
stock-short = More was sold here than the books know of. Until that is settled, the hub is asked for every new order. Was the last count wrong? Undo it. Is it all there though nobody counted wrong? Count it, and the hub confirms its orders with the next contact. Else cancel the order that is short, under Orders, speak with its buyer, and count this again.
stock-fetching = This office is still fetching its data. Until all is here, the hub is asked for every new order.
stock-rewound = This box may not know of everything that was sold here. Until this is counted, the hub is asked for every new order of it.
stock-rewound-unheard = This box may not know of everything that was sold here. Until the hub was reached and this was counted, the hub is asked for every new order of it.
stock-copied = The data of this box may be in use elsewhere too. Until the hub has let this box in, it is asked for every new order.
stock-shut-out = The hub does not let this box in, so nothing can be promised from here.
stock-withdrawn = This is off sale.

did-member-register = Registering { $name }
did-listing-post = Offering { $what }
did-listing-edit = Changing { $what }
did-listing-withdraw = Taking { $what } off sale
did-order-place = Order of { $what }
did-order-place-for = Order of { $what } for { $buyer }
did-order-cancel = Cancelling the order of { $what }
did-stock-intake = Taking in { $what }
did-stock-write-off = Writing off { $what }
did-stock-count = Counting { $what }
did-unknown = Something that this version does not know

who-office = the office
who-phone = { $phone } by phone

why-invalid = A value in it cannot be used.
why-not-enough = Only { $left } were left at the hub.
why-nothing-left = Nothing was left at the hub.
why-not-found = The hub does not have it.
why-withdrawn = It was off sale already.
why-conflict = Somebody else had changed it: { $field } is now { $current }.
why-conflict-plain = Somebody else had changed it.
why-not-allowed = The hub does not allow it.
why-price-changed = The price had changed to { $price }.
why-too-late = The order was on its way already, or done.
why-unknown-commodity = The hub does not have this crop.
why-unknown-unit = The hub does not have this unit.
why-duplicate = It was there already.
why-dismissed = The hub's operator put it aside.
why-other = The hub refused it.

order-cancel-waiting = The hub has not agreed to the cancellation yet.

field-price = the price
field-title = the name
field-other = something else

product-gone = A product that is gone
