// The words of the page in each language. What is about single rows (refusals, explanations) comes from the box in the same language.

const WORDS = {
  en: {
    skip: 'Skip to the content', language: 'Language', sign_out: 'Sign out',
    nav_standing: 'How things stand', nav_prices: 'Prices', nav_stock: 'Stock', nav_orders: 'Orders', nav_phone: 'Phone',
    sign_in_title: 'Sign in', sign_in_help: 'With your phone number and your own office password. Or with the name “office” and the password that was set when this box was set up.',
    user: 'Name or phone number', password: 'Password', sign_in: 'Sign in',
    session_over: 'You were signed out. Please sign in again.',
    password_elsewhere: 'Your own password is kept at the hub. For another one ask the hub’s operator; it holds here after the next contact.',
    password_title: 'Change the office password', change_old: 'The password as it is', change_new: 'The new one, at least 8 characters', change_do: 'Change it',
    change_done: 'The password was changed', change_done_words: 'Whoever else was signed in with the old one has to sign in again.',
    no_answer: 'This box gave no answer. Is it switched on?',
    no_answer_act: 'No answer came. Press the button again: it will not be done twice.',
    not_taken: 'NOT taken', failed: 'That did not work', wait_s: 'Wait {s} seconds, then try again.',
    held_count: 'This box may not know of everything that was sold here. Count the stock, under Stock: until a product is counted, the hub is asked for every new order of it.',
    held_hear: 'This box may not know of everything that was sold here. What should be there is only known when the hub was reached: connect this office, then count the stock. Until then the hub is asked for every new order.',
    held_copied: 'The data of this box came from another machine. Until the hub has agreed, it is asked for every new order.',
    held_shut_out: 'The hub does not let this box in: another machine may be this office now. Nothing is promised from here, nothing is taken by phone, and what is entered does not reach the hub, until its operator has given this box a new code.',
    held_revoked: 'The hub’s operator has ended this box. Nothing is promised from here, nothing is taken by phone, and what is entered does not count until the operator has looked at it.',
    in_touch: 'In touch with the hub', no_line: 'No line to the hub. Work goes on.', waits_1: '1 waiting', waits: '{n} waiting',
    f_waiting: 'Waiting to be sent', f_contact: 'Last contact', f_refused: 'Refused, to look at', never: 'never', now_in_touch: 'in touch now',
    refused_title: 'What the hub refused', refused_none: 'Nothing in the last 30 days.', refused_done: 'Everything was ticked off.', refused_ticked: 'Ticked off in the last 30 days ({n})', tick: 'Tick off', put_back: 'Put back', part: 'only in part',
    box_title: 'About this box', b_coop: 'Cooperative', b_box: 'Box', b_hub: 'Hub', b_version: 'Version', b_problem: 'The line', line_good: 'The last try went well.', line_untried: 'Not tried yet.',
    line_none: 'The hub cannot be reached. Everything is kept and sent later.', line_later: 'The last try did not come to its end. Everything is kept and sent later.',
    line_see: 'See the top of this page.', not_well: 'NOT everything is well', technical: 'For technicians',
    crop: 'Crop', market: 'Market', all_crops: 'All crops', all_markets: 'All markets', show: 'Show', price: 'Price', per_base: 'For 1 kg or litre',
    month: 'Month', age: 'Age', change: 'Change', history: 'History', more: 'More', source: 'Source: WFP via HDX', no_prices: 'There are no such prices here.', prices_none: 'No prices have come from the hub yet.',
    old: 'old', age_0: 'this month', age_1: '1 month', age_n: '{n} months', years: '{n} years', suspect: 'far off its neighbours', type_retail: 'Retail', type_wholesale: 'Wholesale', type_producer: 'Producer', type_farm_gate: 'Farm gate', each: 'for {unit}',
    crops_near: 'Priced or on sale here', crops_far: 'All other crops', units_near: 'Used here', units_far: 'All other units',
    offer_title: 'Offer a product', quantity: 'Quantity', unit: 'Unit', unit_price: 'Price of one unit', own_name: 'A name of its own (may be left empty)', offer: 'Offer it',
    offered: 'On offer', offered_words: '{what}: {here} of it can be sold here at once, {hub} are for phones and the web.',
    stock_none: 'Nothing is on offer yet. Offer a product above.', here: 'here, to sell now', uncounted: 'here, to be counted first', held: 'here, not to sell yet', coming: 'coming back', hub: 'for phones and the web', other: 'at other offices', sold: 'sold',
    to_count: 'Please count ({n} left). This box may not know of everything that was sold here, so nothing of these is sold from here until somebody has counted them.',
    count_this: 'Count', unheard: 'Of these, sold before but in no order here ({unit})',
    why: 'Why can I sell only {here} of my {all}?', why_all: 'Who may sell what?', change_title: 'Change the stock', taken_in: 'Took in', written_off: 'Spoilt or lost', counted: 'Counted', kind: 'What happened',
    expected: 'There should be {n}.', reason: 'Why', keep: 'Write down', kept: 'Written down', off_sale: 'off sale', withdraw: 'Take off sale', sure_withdraw: 'Really take it off sale?',
    sure_much: 'That takes away {n} of {all}, more than a tenth. Is it right?', sure_again: 'Press “{button}” once more if it is.', undo: 'Undo', undone: 'Undone', last_change: 'Last: {what} {n}, {when}.', last_undone: 'Last: a change was undone, {when}.', last_undone_in: 'Last: a change was undone, {when}. {n} came back.', last_undone_out: 'Last: a change was undone, {when}. {n} went again.', undo_reason: 'Undone',
    search: 'Search', on_sale: 'on sale', stock_not_found: 'Nothing like that is here.', of_member: 'of {name}', offered_at: 'offered {when}',
    order_title: 'A buyer is here', product: 'Product', buyer_name: 'Buyer’s name', buyer_phone: 'Buyer’s phone number', place: 'Take the order',
    orders_title: 'All orders', all_orders: 'All', status: 'Status', when: 'When', what: 'What', buyer: 'Buyer', total: 'Total', cancel: 'Cancel', sure_cancel: 'Really cancel?', no_orders: 'There are no such orders.', orders_none: 'There are no orders yet. Take one above.',
    search_orders: 'Search by product, buyer or number', searched: 'The newest {n} orders were looked through.', flag_price: 'Not at the price of the offer: ask who sold it.', flag_other: 'To be looked at ({flag}).',
    flag_quantity: 'A part of what is counted in pieces: ask who sold it.',
    choose: 'Choose…', here_now: '{n} here', hint_held: 'This office holds enough: it is sold at once. Total {total}.',
    hint_only: 'Only {left} are left in all.',
    hint_ask: 'This office holds {here}. The hub will be asked for this order; it is not sold before the hub has said yes. Total {total}.',
    hint_ask_other: 'Another cooperative sells this. The hub will be asked; it is not sold before the hub has said yes. Total {total}.',
    hint_number: 'Write a number such as 20 or 2.5.', hint_two_ways: 'This can mean two things. Write {n} or {less}.', hint_thousands: 'Write {n}, with nothing between the digits.',
    hint_fine: 'At most {places} digits after the point.', hint_whole: 'Write a whole number.', hint_big: 'This number is too large.', hint_negative: 'It must not be less than zero.',
    s_confirmed: 'Confirmed', s_asked: 'Asked, not confirmed', s_refused: 'Refused', s_short: 'Short', s_cancelled: 'Cancelled', s_fulfilled: 'Fetched',
    w_confirmed_here: 'Sold from this office. The hub hears of it when there is a line.', w_asked: 'The hub has not answered yet.', w_short: 'More was sold than the books know of. If a wrong count is to blame, undo it under Stock. If it is all there though nobody counted wrong, count it there. Else cancel this order, speak with the buyer, and count the product again.',
    unconfirmed: 'Number not confirmed: call before you set anything aside.',
    done_confirmed: 'Confirmed', done_confirmed_words: '{what} sold for {total}. It is kept on this box.', done_asked: 'Asked, not confirmed', done_asked_words: '{what}: the hub has to say yes first. Do not hand it over yet.',
    done_cancelled: 'Cancelled', done_cancel_asked: 'Cancellation asked for', by_rest: 'web', by_ussd: 'phone menu', by_sms: 'SMS', by_office: 'office',
    phone_help: 'Walk the menus as a farmer does. What is done here is real: it goes the same way as a call.', phone_number: 'Number of the caller', answer: 'Answer', call: 'Call', send: 'Send', end: 'End',
    ready: 'Ready', calling: 'Calling…', in_call: 'In the call', call_over: 'The call has ended', no_gateway: 'This box has no gateway in its settings (edge.toml), so there are no menus to walk.',
    letters: '{n} of 182', foot: 'This page comes from the box in this office and works without the internet.', api_docs: 'For programmers: the API',
    min_ago: '{n} min ago', just_now: 'just now',
  },
  sw: {
    skip: 'Nenda kwenye maudhui', language: 'Lugha', sign_out: 'Toka',
    nav_standing: 'Hali ilivyo', nav_prices: 'Bei', nav_stock: 'Ghala', nav_orders: 'Oda', nav_phone: 'Simu',
    sign_in_title: 'Ingia', sign_in_help: 'Kwa namba yako ya simu na neno lako la siri la ofisi. Au kwa jina “office” na neno la siri lililowekwa kompyuta hii ilipoandaliwa.',
    user: 'Jina au namba ya simu', password: 'Neno la siri', sign_in: 'Ingia',
    session_over: 'Umetolewa. Tafadhali ingia tena.',
    password_elsewhere: 'Neno lako la siri limehifadhiwa kwenye kituo kikuu. Kwa jipya mwombe msimamizi wa kituo kikuu; litafanya kazi hapa baada ya mawasiliano yajayo.',
    password_title: 'Badilisha neno la siri la ofisi', change_old: 'Neno la siri la sasa', change_new: 'Neno jipya, herufi 8 au zaidi', change_do: 'Badilisha',
    change_done: 'Neno la siri limebadilishwa', change_done_words: 'Wengine walioingia kwa neno la zamani lazima waingie tena.',
    no_answer: 'Kompyuta hii haijajibu. Je, imewashwa?',
    no_answer_act: 'Jibu halikuja. Bonyeza tena: haitafanyika mara mbili.',
    not_taken: 'HAIKUPOKELEWA', failed: 'Haikufaulu', wait_s: 'Subiri sekunde {s}, kisha jaribu tena.',
    held_count: 'Huenda kompyuta hii haijui yote yaliyouzwa hapa. Hesabu bidhaa, kwenye Ghala: hadi bidhaa ihesabiwe, kituo kikuu kitaulizwa kwa kila oda mpya ya bidhaa hiyo.',
    held_hear: 'Huenda kompyuta hii haijui yote yaliyouzwa hapa. Kinachopaswa kuwepo kitajulikana kituo kikuu kikipatikana: unganisha ofisi hii kwanza, kisha hesabu bidhaa. Hadi hapo kituo kikuu kitaulizwa kwa kila oda mpya.',
    held_copied: 'Kumbukumbu za kompyuta hii zimetoka kwenye mashine nyingine. Hadi kituo kikuu kikubali, kitaulizwa kwa kila oda mpya.',
    held_shut_out: 'Kituo kikuu hakiikubali kompyuta hii: huenda mashine nyingine ndiyo ofisi hii sasa. Hakuna kinachoahidiwa hapa, hakuna kinachopokelewa kwa simu, na yanayoandikwa hayatakifikia kituo kikuu, hadi msimamizi wake aipe kompyuta hii msimbo mpya.',
    held_revoked: 'Msimamizi wa kituo kikuu ameifunga kompyuta hii. Hakuna kinachoahidiwa hapa, hakuna kinachopokelewa kwa simu, na yanayoandikwa hayahesabiwi hadi msimamizi ayaangalie.',
    in_touch: 'Tumeunganishwa na kituo kikuu', no_line: 'Hakuna mtandao. Kazi inaendelea.', waits_1: '1 linasubiri', waits: '{n} yanasubiri',
    f_waiting: 'Yanasubiri kutumwa', f_contact: 'Mawasiliano ya mwisho', f_refused: 'Yaliyokataliwa, ya kuangalia', never: 'bado', now_in_touch: 'tunawasiliana sasa',
    refused_title: 'Yaliyokataliwa na kituo kikuu', refused_none: 'Hakuna katika siku 30 zilizopita.', refused_done: 'Yote yameshughulikiwa.', refused_ticked: 'Yaliyoshughulikiwa katika siku 30 zilizopita ({n})', tick: 'Imeshughulikiwa', put_back: 'Rudisha', part: 'kwa sehemu tu',
    box_title: 'Kuhusu kompyuta hii', b_coop: 'Ushirika', b_box: 'Kompyuta', b_hub: 'Kituo kikuu', b_version: 'Toleo', b_problem: 'Mtandao', line_good: 'Jaribio la mwisho lilifaulu.', line_untried: 'Bado haijajaribiwa.',
    line_none: 'Kituo kikuu hakipatikani. Kila kitu kimehifadhiwa na kitatumwa baadaye.', line_later: 'Jaribio la mwisho halikukamilika. Kila kitu kimehifadhiwa na kitatumwa baadaye.',
    line_see: 'Tazama juu ya ukurasa huu.', not_well: 'SI kila kitu kiko sawa', technical: 'Kwa mafundi',
    crop: 'Zao', market: 'Soko', all_crops: 'Mazao yote', all_markets: 'Masoko yote', show: 'Onyesha', price: 'Bei', per_base: 'Kwa kilo au lita 1',
    month: 'Mwezi', age: 'Umri', change: 'Badiliko', history: 'Historia', more: 'Zaidi', source: 'Chanzo: WFP kupitia HDX', no_prices: 'Hakuna bei kama hizo hapa.', prices_none: 'Bado hakuna bei kutoka kituo kikuu.',
    old: 'ya zamani', age_0: 'mwezi huu', age_1: 'mwezi 1', age_n: 'miezi {n}', years: 'miaka {n}', suspect: 'iko mbali na bei jirani', type_retail: 'Rejareja', type_wholesale: 'Jumla', type_producer: 'Ya mzalishaji', type_farm_gate: 'Ya shambani', each: 'kwa {unit}',
    crops_near: 'Yenye bei au yanayouzwa hapa', crops_far: 'Mazao mengine yote', units_near: 'Vinavyotumika hapa', units_far: 'Vipimo vingine vyote',
    offer_title: 'Weka bidhaa sokoni', quantity: 'Kiasi', unit: 'Kipimo', unit_price: 'Bei ya kipimo kimoja', own_name: 'Jina lake (si lazima)', offer: 'Weka sokoni',
    offered: 'Iko sokoni', offered_words: '{what}: {here} zinaweza kuuzwa hapa sasa, {hub} ni za simu na mtandao.',
    stock_none: 'Bado hakuna kilicho sokoni. Weka bidhaa hapo juu.', here: 'hapa, za kuuza sasa', uncounted: 'hapa, zihesabiwe kwanza', held: 'hapa, haziuzwi bado', coming: 'zinarudi', hub: 'za simu na mtandao', other: 'kwenye ofisi nyingine', sold: 'zimeuzwa',
    to_count: 'Tafadhali hesabu (bado {n}). Huenda kompyuta hii haijui yote yaliyouzwa hapa, kwa hiyo bidhaa hizi haziuzwi kutoka hapa hadi zihesabiwe.',
    count_this: 'Hesabu', unheard: 'Kati ya hizo, zilizouzwa kabla lakini hazimo kwenye oda za hapa ({unit})',
    why: 'Kwa nini naweza kuuza {here} tu kati ya {all}?', why_all: 'Nani anaweza kuuza nini?', change_title: 'Badilisha ghala', taken_in: 'Zimepokelewa', written_off: 'Zimeharibika au kupotea', counted: 'Zimehesabiwa', kind: 'Kilichotokea',
    expected: 'Zinapaswa kuwa {n}.', reason: 'Sababu', keep: 'Andika', kept: 'Imeandikwa', off_sale: 'haiuzwi', withdraw: 'Ondoa sokoni', sure_withdraw: 'Kweli uiondoe?',
    sure_much: 'Hii inaondoa {n} kati ya {all}, zaidi ya sehemu ya kumi. Ni sahihi?', sure_again: 'Bonyeza “{button}” tena kama ni sahihi.', undo: 'Tengua', undone: 'Imetenguliwa', last_change: 'Mara ya mwisho: {what} {n}, {when}.', last_undone: 'Mara ya mwisho: badiliko lilitenguliwa, {when}.', last_undone_in: 'Mara ya mwisho: badiliko lilitenguliwa, {when}. {n} zimerudi.', last_undone_out: 'Mara ya mwisho: badiliko lilitenguliwa, {when}. {n} zimeondolewa tena.', undo_reason: 'Imetenguliwa',
    search: 'Tafuta', on_sale: 'inauzwa', stock_not_found: 'Hakuna kitu kama hicho hapa.', of_member: 'ya {name}', offered_at: 'ya tarehe {when}',
    order_title: 'Mnunuzi yuko hapa', product: 'Bidhaa', buyer_name: 'Jina la mnunuzi', buyer_phone: 'Namba ya mnunuzi', place: 'Pokea oda',
    orders_title: 'Oda zote', all_orders: 'Zote', status: 'Hali', when: 'Lini', what: 'Nini', buyer: 'Mnunuzi', total: 'Jumla', cancel: 'Futa', sure_cancel: 'Kweli uifute?', no_orders: 'Hakuna oda kama hizo.', orders_none: 'Bado hakuna oda. Pokea oda hapo juu.',
    search_orders: 'Tafuta kwa bidhaa, mnunuzi au namba', searched: 'Oda mpya {n} zimetafutwa.', flag_price: 'Si kwa bei ya sokoni: muulize aliyeuza.', flag_other: 'Ya kuangaliwa ({flag}).',
    flag_quantity: 'Sehemu ya kinachohesabiwa kizima: muulize aliyeuza.',
    choose: 'Chagua…', here_now: '{n} hapa', hint_held: 'Ofisi hii inazo za kutosha: zinauzwa mara moja. Jumla {total}.',
    hint_only: 'Zimebaki {left} tu kwa jumla.',
    hint_ask: 'Ofisi hii ina {here}. Kituo kikuu kitaulizwa; haijauzwa kabla kituo kikuu hakijakubali. Jumla {total}.',
    hint_ask_other: 'Ushirika mwingine unauza hii. Kituo kikuu kitaulizwa; haijauzwa kabla hakijakubali. Jumla {total}.',
    hint_number: 'Andika namba kama 20 au 2.5.', hint_two_ways: 'Hii inaweza kumaanisha mambo mawili. Andika {n} au {less}.', hint_thousands: 'Andika {n}, bila chochote kati ya tarakimu.',
    hint_fine: 'Tarakimu zisizozidi {places} baada ya nukta.', hint_whole: 'Andika namba kamili.', hint_big: 'Namba hii ni kubwa mno.', hint_negative: 'Isiwe chini ya sifuri.',
    s_confirmed: 'Imethibitishwa', s_asked: 'Imeombwa, bado', s_refused: 'Imekataliwa', s_short: 'Imepungua', s_cancelled: 'Imefutwa', s_fulfilled: 'Imechukuliwa',
    w_confirmed_here: 'Imeuzwa na ofisi hii. Kituo kikuu kitajua mtandao ukirudi.', w_asked: 'Kituo kikuu bado hakijajibu.', w_short: 'Kimeuzwa zaidi ya kilichoandikwa. Kama hesabu ilikosewa, itengue kwenye Ghala. Kama chote kipo na hesabu haikukosewa, kihesabu hapo. La sivyo futa oda hii, zungumza na mnunuzi, kisha hesabu bidhaa tena.',
    unconfirmed: 'Namba haijathibitishwa: piga simu kabla ya kutenga bidhaa.',
    done_confirmed: 'Imethibitishwa', done_confirmed_words: '{what} zimeuzwa kwa {total}. Imehifadhiwa kwenye kompyuta hii.', done_asked: 'Imeombwa, haijathibitishwa', done_asked_words: '{what}: kituo kikuu lazima kikubali kwanza. Usikabidhi bado.',
    done_cancelled: 'Imefutwa', done_cancel_asked: 'Kufuta kumeombwa', by_rest: 'mtandao', by_ussd: 'menyu ya simu', by_sms: 'SMS', by_office: 'ofisi',
    phone_help: 'Pitia menyu kama mkulima. Unachofanya hapa ni kweli: kinapita njia ile ile kama simu.', phone_number: 'Namba ya mpigaji', answer: 'Jibu', call: 'Piga', send: 'Tuma', end: 'Kata',
    ready: 'Tayari', calling: 'Inapiga…', in_call: 'Kwenye simu', call_over: 'Simu imekatika', no_gateway: 'Kompyuta hii haina njia ya simu kwenye mipangilio (edge.toml), kwa hiyo hakuna menyu.',
    letters: '{n} kati ya 182', foot: 'Ukurasa huu unatoka kwenye kompyuta ya ofisi hii na unafanya kazi bila intaneti.', api_docs: 'Kwa watengenezaji: API',
    min_ago: 'dakika {n} zilizopita', just_now: 'sasa hivi',
  },
};

let current = 'en';
try { current = localStorage.getItem('language') === 'sw' ? 'sw' : 'en'; } catch { /* a browser that keeps nothing starts in English */ }

export const languages = Object.keys(WORDS);
export const words = WORDS;
export const language = () => current;

export function setLanguage(code) {
  current = WORDS[code] ? code : 'en';
  try { localStorage.setItem('language', current); } catch { /* kept for this visit only */ }
}

// Whether there is a word of its own for something.
export const has = (key) => key in WORDS.en;

// A word or sentence with its values put in.
export function t(key, values = {}) {
  const text = WORDS[current][key] ?? WORDS.en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');
}

// What the box says of a field that is wrong; it says so in English.
const OF_FIELDS = {
  sw: [
    [/^Must be more than zero\.$/, 'Lazima iwe zaidi ya sifuri.'],
    [/^This is the buyer's own offer\.$/, 'Hii ni bidhaa ya mnunuzi mwenyewe.'],
    [/^The price must be more than zero\.$/, 'Bei lazima iwe zaidi ya sifuri.'],
    [/^Must not be less than zero\.$/, 'Isiwe chini ya sifuri.'],
    [/^Must be at most (\S+)\.$/, 'Isizidi $1.'],
    [/^Must have at most (\S+) characters\.$/, 'Isizidi herufi $1.'],
    [/^Must not be empty\.$/, 'Isiachwe tupu.'],
    [/^Must be a phone number with its country code, such as (\S+)\.$/, 'Lazima iwe namba ya simu yenye msimbo wa nchi, kama $1.'],
    [/^Write the phone number with digits only, such as (\S+) or (\S+?)\.$/, 'Andika namba ya simu kwa tarakimu tu, kama $1 au $2.'],
    [/^The phone number is too short: write all its digits\.$/, 'Namba ya simu ni fupi mno: andika tarakimu zake zote.'],
    [/^The phone number is too long: check its digits\.$/, 'Namba ya simu ni ndefu mno: angalia tarakimu zake.'],
    [/^Must hold something that can be seen\.$/, 'Lazima iwe na kitu kinachoonekana.'],
    [/^Must not hold control characters\.$/, 'Isiwe na herufi zisizoonekana.'],
    [/^No country has a phone number that begins like this: check its first digits\.$/, 'Hakuna nchi yenye namba inayoanza hivi: angalia tarakimu za mwanzo.'],
    [/^Write the phone number with a plus sign and its country code, such as (\S+)\.$/, 'Andika namba ya simu na alama ya kujumlisha na msimbo wa nchi, kama $1.'],
    [/^Write a phone number\.$/, 'Andika namba ya simu.'],
    [/^Write a phone number, or leave it out\.$/, 'Andika namba ya simu, au iache.'],
    [/^Is missing\.$/, 'Haipo.'],
    [/^There is no such commodity.*$/, 'Hakuna zao kama hilo.'],
    [/^There is no such unit.*$/, 'Hakuna kipimo kama hicho.'],
    [/^This (?:cooperative sells|product is sold) in (\S+)\.$/, 'Inauzwa kwa $1.'],
    [/^Write `office`, or your phone number\.$/, 'Andika `office`, au namba yako ya simu.'],
    [/^This value cannot be used\.$/, 'Thamani hii haifai.'],
    [/^The price is too large\.$/, 'Bei ni kubwa mno.'],
    [/^The total is too large\.$/, 'Jumla ni kubwa mno.'],
    [/^Must be an ISO 4217 code, such as MWK\.$/, 'Andika msimbo wa sarafu wa ISO 4217, mfano MWK.'],
    [/^Write a number in digits, such as 50 or 2\.5\.?$/, 'Andika namba kwa tarakimu, kama 50 au 2.5.'],
    [/^Write it without a comma, such as 1000 or 2\.5\.?$/, 'Andika bila mkato, kama 1000 au 2.5.'],
    [/^Must be a whole number: this is counted in pieces\.$/, 'Lazima iwe namba kamili: hii huhesabiwa moja moja.'],
    [/^Must be a multiple of (\S+): this is counted in pieces\.$/, 'Lazima iwe kizidisho cha $1: hii huhesabiwa moja moja.'],
    [/^Write at most three digits after the point\.?$/, 'Andika tarakimu zisizozidi tatu baada ya nukta.'],
    [/^This number is too large\.?$/, 'Namba hii ni kubwa mno.'],
    [/^Must be (\S+): this is counted in pieces\.$/, 'Iwe $1: hii huhesabiwa moja moja.'],
    [/^Must be shorter: at most (\S+) plain letters.*$/, 'Iwe fupi zaidi: herufi $1 za kawaida, au chache zaidi zenye alama.'],
    [/^Must be from zero to (\S+)\.$/, 'Iwe kati ya sifuri na $1.'],
    [/^Must be between zero and what was counted\.$/, 'Iwe kati ya sifuri na zilizohesabiwa.'],
    [/^Must be en, sw, ny or fr\.$/, 'Iwe en, sw, ny au fr.'],
    [/^Must have at least (\S+) characters\.$/, 'Iwe na herufi $1 au zaidi.'],
    [/^Is one of the passwords that everybody tries first\..*$/, 'Ni kati ya maneno ya siri yanayojaribiwa kwanza. Chagua maneno matatu au manne yasiyohusiana.'],
    [/^Must not be a phone number: everybody knows it\..*$/, 'Lisiwe namba ya simu: kila mtu anaijua. Chagua maneno matatu au manne yasiyohusiana.'],
    [/^Is not the password\.$/, 'Si neno la siri la sasa.'],
    [/^Cannot be read: .*$/, 'Haisomeki.'],
    [/^Say what should be there: .*$/, 'Sema zinapaswa kuwa ngapi.'],
    [/^The hub is of an older version, which cannot take this back: .*$/, 'Kituo kikuu ni cha toleo la zamani, ambalo haliwezi kutengua hili: hesabu bidhaa hii tena.'],
    [/^This is not the last change of the product any more: .*$/, 'Hili si badiliko la mwisho la bidhaa hii tena: angalia hifadhi upya.'],
    [/^A count takes nothing back; leave it out\.$/, 'Hesabu haitengui kitu; iache.'],
    [/^Only a count has it; leave it out\.$/, 'Ni ya kuhesabu tu; iache.'],
    [/^Must be taken_in, written_off or counted\.$/, 'Chagua kilichotokea: zimepokelewa, zimeharibika au zimehesabiwa.'],
    [/^Can only be set to `withdrawn`\.$/, 'Inaweza tu kuondolewa sokoni.'],
    [/^Say what to change: .*$/, 'Sema cha kubadilisha: bei, jina au hali.'],
    [/^Must be a text of 1 to (\S+) characters\.$/, 'Iwe maandishi ya herufi 1 hadi $1.'],
    [/^There is no such field\..*$/, 'Hakuna sehemu kama hiyo.'],
    [/^The body must be a JSON object.*$/, 'Ukurasa huu umetuma kitu kisichosomeka. Fungua ukurasa tena.'],
    [/^Must be a JSON object\.$/, 'Ukurasa huu umetuma kitu kisichosomeka. Fungua ukurasa tena.'],
    [/^Must be a whole number, .*$/, 'Iwe namba nzima, isiyo kubwa mno.'],
    [/^Must be a text in quotes\.$/, 'Iwe maandishi.'],
    [/^Must be true or false\.$/, 'Iwe ndiyo au hapana.'],
    [/^Must be an id such as .*$/, 'Iwe kitambulisho.'],
  ],
};

// The same in the language of the page; a sentence without a translation stays as it is.
export function ofField(text) {
  const [pattern, words] = (OF_FIELDS[current] ?? []).find(([known]) => known.test(text)) ?? [];
  return pattern ? text.replace(pattern, words) : text;
}

const locale = () => (current === 'sw' ? 'sw-TZ' : 'en-GB');

// A moment in local time: "Tuesday 17 November, 09:12".
export function moment(iso) {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? iso
    : at.toLocaleString(locale(), { weekday: 'long', day: 'numeric', month: 'long', hour: '2-digit', minute: '2-digit' });
}

export function shortMoment(iso) {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? iso : at.toLocaleString(locale(), { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
}

// "2022-06" as "June 2022".
export function month(text) {
  const at = new Date(`${text}-15T12:00:00Z`);
  return Number.isNaN(at.getTime()) ? text : at.toLocaleDateString(locale(), { month: 'short', year: 'numeric', timeZone: 'UTC' });
}

const WHOLE = ['UGX', 'RWF', 'BIF', 'XAF', 'XOF', 'KMF', 'DJF', 'GNF'];
export const digits = (currency) => (WHOLE.includes(currency) ? 0 : 2);

// Money with the digits that its currency has; whole amounts without them.
export function money({ amount, currency }) {
  const places = digits(currency);
  const value = amount / 10 ** places;
  const shown = Number.isInteger(value) ? 0 : places;
  return `${currency} ${value.toLocaleString('en-GB', { minimumFractionDigits: shown, maximumFractionDigits: shown })}`.trim();
}

// A quantity with its unit: "25 KG", "2 × 90 KG".
export const amount = (quantity, unit) => `${quantity}${/^\d/.test(unit) ? ' × ' : ' '}${unit}`;
