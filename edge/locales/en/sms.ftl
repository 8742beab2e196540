# Answers and notices by SMS, in English. Each must fit one SMS: 160 letters of the telephone alphabet with its longest names.

# Words that begin a message. The first of each line is the one that texts show; the others are understood too.
# A word of one language is understood from everybody, whatever their language.
keyword-price = PRICE PRICES COST
keyword-help = HELP INFO
keyword-stop = STOP STOPALL UNSUBSCRIBE QUIT
# From somebody with an open order these mean the order.
keyword-stop-or-cancel = CANCEL END
keyword-start = START UNSTOP YES
keyword-order = ORDER ORDERS
# Words that say nothing beside another.
keyword-courtesy = PLEASE KINDLY THANKS THANK YOU ALL NOW SMS MESSAGES SIR MADAM

sms-price = { $crop }, { $market }: { $facts }
sms-price-none = No price yet for { $crop } in { $market }.
sms-help = Mizili: for a price send { $example }. For no more SMS send { $stop }, to get them again { $start }.
sms-help-dial = Mizili: for a price send { $example }. For no more SMS send { $stop }, to get them again { $start }. Or dial { $code }
sms-stop = You will get no more SMS from Mizili. To get them again send { $start }.
sms-start = You will get SMS from Mizili again. For help send { $help }.
sms-unknown = Sorry, we did not understand. For a price send { $example }. For help send { $help }.
sms-cancel = To cancel an order speak to the office. For no more SMS send { $stop }.
sms-cancel-dial = To cancel an order dial { $code }, then 4 { $orders }. For no more SMS send { $stop }.
sms-which = Which one? Send { $keyword } and one of these: { $options }
sms-no-crop = We have no price for "{ $crop }". Send for example: { $example }
sms-no-market = We have no price at "{ $market }". Send { $keyword } and one of these: { $options }
sms-add-market = Which market? Send for example: { $example }

notice-confirmed = Your order is CONFIRMED: { $what }. To pay: { $total }.
notice-refused = Your order was NOT taken: { $what }. { $why }
notice-short = There is not enough for your order: { $what }. Please speak to the office.
notice-confirmed-again = Your order is CONFIRMED again: { $what }. To pay: { $total }.
notice-cancelled = Your order is cancelled: { $what }.
notice-cancel-refused = Your order was NOT cancelled: { $what }. { $why }
notice-offer-refused = Your offer was NOT taken: { $what }. { $why }
notice-withdrawn = Your offer is taken back: { $what }.
notice-withdraw-refused = Your offer was NOT taken back: { $what }. { $why }
notice-register-refused = You were NOT registered. { $why }
