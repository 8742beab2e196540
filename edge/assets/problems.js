// What the box says when something is wrong, in the page's other languages: it answers programs in English. By the code, which never
// changes its meaning; a code without words here is said as the box says it.

import { language } from '/assets/words.js';

// Why something that was asked for was not done.
const OF_CODES = {
  sw: {
    malformed_json: 'Ukurasa huu umetuma kitu kisichosomeka. Fungua ukurasa tena.', invalid_parameter: 'Kuna thamani isiyofaa katika ulichotafuta.',
    unknown_parameter: 'Ukurasa huu na kompyuta havielewani. Fungua ukurasa tena.', invalid_header: 'Ukurasa huu na kompyuta havielewani. Fungua ukurasa tena.',
    idempotency_key_required: 'Ukurasa huu na kompyuta havielewani. Fungua ukurasa tena.', truncated: 'Ombi halikufika lote. Jaribu tena.',
    unauthorized: 'Tafadhali ingia kwa neno la siri la ofisi.', hub_token: 'Hii ni ruhusa ya kituo kikuu. Ingia kwa neno la siri la ofisi.',
    bad_credentials: 'Jina (au namba ya simu) au neno la siri si sahihi.', cross_site: 'Ombi limetoka kwenye tovuti nyingine, kwa hiyo halikukubaliwa.',
    not_allowed: 'Huruhusiwi kufanya hivyo hapa.', other_host: 'Ofisi hii haiitwi kwa anwani hiyo. Tumia anwani yake halisi.', not_found: 'Hakuna kitu kama hicho hapa.', method_not_allowed: 'Ukurasa huu na kompyuta havielewani. Fungua ukurasa tena.',
    not_enough: 'Haitoshi: zimebaki {available}.', withdrawn: 'Bidhaa hii haiuzwi tena.', conflict: 'Mtu mwingine ameibadilisha. Itazame tena, kisha rudia badiliko lako.',
    price_changed: 'Bei imebadilika. Itazame tena, kisha rudia oda kwa bei mpya.', too_late: 'Oda iko njiani tayari, au imekamilika.', duplicate: 'Ipo tayari.',
    precondition_failed: 'Imebadilishwa tangu uliposoma. Itazame tena, kisha rudia.', too_large: 'Ulichotuma ni kikubwa mno.', unsupported_media_type: 'Ukurasa huu na kompyuta havielewani. Fungua ukurasa tena.',
    invalid: 'Kuna kilichoandikwa ambacho hakifai.', idempotency_key_reused: 'Ombi hili lilitumiwa kwa jambo lingine. Jaribu tena.', precondition_required: 'Ukurasa huu na kompyuta havielewani. Fungua ukurasa tena.',
    malformed: 'Ukurasa huu na kompyuta havielewani. Fungua ukurasa tena.', address_too_long: 'Ulichotafuta ni kirefu mno.', head_too_large: 'Ukurasa huu na kompyuta havielewani. Futa vidakuzi vya ukurasa huu, kisha ufungue tena.',
    too_slow: 'Ombi lilichukua muda mrefu mno kufika. Jaribu tena.', too_many_attempts: 'Majaribio ni mengi mno. Subiri kidogo.', internal: 'Kompyuta hii imekosea. Imeandikwa; jaribu tena baadaye.', busy: 'Kuna kazi nyingi sasa, kwa hiyo hii haikupokelewa. Jaribu tena baada ya muda mfupi.',
    not_enrolled: 'Kompyuta hii haijasajiliwa kwa ofisi yoyote bado.', not_complete: 'Ofisi hii bado inapokea kumbukumbu zake, kwa hiyo hii haikupokelewa. Jaribu tena baadaye.',
    shut_out: 'Haikupokelewa: kituo kikuu hakikubali kompyuta hii, na hakingejua. Hali ilivyo inasema la kufanya.',
    hub_first: 'Haikupokelewa: kinachopaswa kuwepo kitajulikana kituo kikuu kikipatikana. Unganisha ofisi hii kwanza, kisha hesabu.',
    disk_full: 'Haikupokelewa: diski ya kompyuta hii imejaa. Tafuta nafasi, kisha jaribu tena.', read_only: 'Haikupokelewa: diski ya kompyuta hii haiandikiki. Ikaguliwe, kisha jaribu tena.',
    disk_failed: 'Haikupokelewa: diski ya kompyuta hii imeharibika. Ikaguliwe, kisha jaribu tena.', log_full: 'Haikupokelewa: mambo mengi mno yanasubiri kituo kikuu. Unganisha ofisi hii kwanza.',
  },
};

// What stands between this box and the hub.
const OF_LINE = {
  sw: {
    offline: 'Hakuna mtandao wa kituo kikuu, au umekatika.', busy: 'Kituo kikuu kina kazi nyingi sasa.', hub_restored: 'Kituo kikuu kinarekebishwa.', unauthorized: 'Kituo kikuu hakijaikubali kompyuta hii; itajaribu tena.',
    damaged: 'Jibu la kituo kikuu liliharibika njiani.', fenced: 'Mawasiliano mapya zaidi ya kompyuta hii yameanza.', locked: 'Mawasiliano mengine ya kompyuta hii yanaendelea.', enrolled_anew: 'Kompyuta hii imeandikishwa kwa anwani nyingine wakati huo huo.', storage: 'Kompyuta hii haiwezi kuhifadhi, au haisomi ilichonacho.',
    certificate: 'Cheti cha kituo kikuu hakikukubaliwa.', revoked: 'Msimamizi ameizuia kompyuta hii. Muulize la kufanya.', rewound: 'Kumbukumbu za kompyuta hii ni nakala ya zamani, au zinatumika kwingine. Muulize msimamizi msimbo mpya.',
    sequence_reused: 'Kituo kikuu kina mambo mengine chini ya namba hizi. Mwombe msimamizi aiangalie kompyuta hii.', sequence_gap: 'Kituo kikuu kinakosa mambo ya awali. Mwombe msimamizi aiangalie kompyuta hii.',
    stream_halted: 'Msimamizi wa kituo kikuu lazima aangalie kwanza.', malformed: 'Kituo kikuu hakikuielewa kompyuta hii.', version: 'Programu hii ni ya zamani mno au mpya mno kwa kituo kikuu.', refused: 'Kituo kikuu kilikataa bila kusema sababu.',
    unexpected: 'Kilichopo kwenye anwani hii hakijibu kama kituo kikuu.', not_the_hub: 'Aliyejibu si kituo kikuu cha ofisi hii.', not_known: 'Kituo kikuu hakiijui tena kompyuta hii. Mwombe msimamizi msimbo mpya.', stuck: 'Kituo kikuu kinasema kuna zaidi lakini hakitumi.', not_enrolled: 'Kompyuta hii haijasajiliwa kwa ofisi yoyote bado.',
    enrolment: 'Usajili haukufaulu.', address: 'Anwani ya kituo kikuu haifai.', setup: 'Faili, ufunguo au mipangilio ya kompyuta hii haifai.', other: 'Kuna sababu ambayo toleo hili la programu halijui.',
  },
};

const fill = (text, values) => text && text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');

// Why something was not done, in the language of the page.
export const ofCode = (body, said) => fill((OF_CODES[language()] ?? {})[body.code], body) ?? said;

// What is wrong with the line or this box, in the language of the page.
export const ofLine = (code, said) => (OF_LINE[language()] ?? {})[code] ?? said;
