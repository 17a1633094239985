import type { RedFlags } from '../topics.ts';

const who =
  `he|she|hes|shes|him|her|his|father|mother|dad|mom|mum|papa|wife|husband|son|daughter|baby|child|kid|infant|toddler|
  brother|sister|friend|uncle|aunt|aunty|grandma|grandpa|grandmother|grandfather|granny|patient|man|woman|person|
  somebody|someone|boy|girl|neighbour|neighbor|partner|newborn`.replace(/\s+/g, '');
const cannot =
  'cant|cannot|couldnt|not|unable|hardly|barely|no|trouble|difficult*|struggl*|hard|short|shortness|gasp*|stopped|stops|' +
  'problem|problems|less|isnt|labored|laboured|wheez*|losing|fighting|rapid|very_fast|heavily';
/** What has been, and is asked about. */
const past =
  'years_ago|year_ago|months_ago|weeks_ago|last_year|last_month|history_of|in_the_past|previously|previous|earlier';
const machine =
  'page|app|site|website|screen|button|viewer|server|system|computer|browser|link|menu|mouse|keyboard|upload|model|ai|support';
const chemical =
  'bleach|acid|phenyl|phenol|pesticide*|insecticide*|poison*|kerosene|petrol|detergent|disinfectant|harpic|dettol|lysol|' +
  'cleaner|cleaning|chemical*|sanitizer|sanitiser|battery|thinner|mothball*|turpentine|antifreeze|rat_killer|weed_killer|paint';
const pills = 'tablet|tablets|pill|pills|capsules|medicine*|meds|paracetamol|sleeping|painkiller*|insulin';

/** Signs of danger as people tell of them in English. */
export const redFlags: RedFlags = {
  emergency: `
    chest|breastbone|sternum + pain|pains|paining|ache|aches|aching|tight|tightness|tightening|pressure|pressing|heaviness|heavy|burning|hurts|hurting|crushing|squeez*|stabbing|discomfort|weight|gripping|sore
    chest|breastbone|sternum + sitting|stone|rock|elephant|clenched|clamped|numb* ! x-ray|xray|image|film
    chestpain|chest_pain | angina_attack
    arm|arms|jaw|face + numb*|tingl* + chest|went|gone|suddenly|now ! ${past}
    heart_stopped|heart_has_stopped|heart_just_stopped|heart_is_stopping|heart_stops
    heart + attack|racing|pounding|about_to_stop ! ${past}
    heartattack | cardiac_arrest | heart_failure_now
    breath|breathe|breathing|breathes|air + ${cannot} ! hold|holding|air_conditioning
    cant|cannot|couldnt|not + catch + breath
    wheez* + bad*|severe*|inhaler|terrible|worse
    breathless* | suffocat* | choking | choked | chokes | asphyxi* | gasping | smothered
    lips|face|skin|nails|fingers|fingertips|tongue|baby|child|he|she|him|her + blue|bluish|purple|grey|gray
    turning|turned|going|went|gone + blue|purple|bluish ! screen|image|button|page|picture|icon|text|colour|color|link
    blood + cough*|vomit*|spit*|throw*|threw|puking|puked|puke|stool|stools|poop|pouring|coming_out|comes_out|coming_from|gush*|spurting|everywhere|pool|losing|lost_a_lot ! test|tests|sample|donat*
    bleed*|haemorrhag*|hemorrhag* + heav*|lot|lots|much|severe*|stop|stopping|profuse*|bad|badly|nonstop|uncontroll*|wont|everywhere|deep|head|nonstop
    pregnan* + bleed*|blood|contractions|water_broke|severe_pain|cramps|unconscious|fits|fainted|spotting
    water_broke|waters_broke|waters_have_broken|water_has_broken|in_labour|in_labor
    unborn|womb|belly|baby + not_moving|stopped_moving|no_movement|isnt_moving|not_kicking
    fainted | fainting | unconscious* | unresponsive|non_responsive ! ${machine}
    passed|passing|blacked|blacking + out ! image|name|picture|session
    feel*|about_to|going_to|think|almost|nearly + faint|pass_out|collapse|black_out
    lost|losing|loss + consciousness
    collapsed|collapsing ! lung|menu|panel|sidebar|section|list|row|vertebra*
    ${who} + collapsed|collapse
    ${who} + not|isnt|wont|doesnt|cant|didnt|cannot|stopped|unable + responding|respond|responds|wake|waking|wakes|awake|moving|breathing|react*
    not|isnt|wont|doesnt|cant + wake_up|waking_up|waking ! ${machine}
    slurred | slurring | slurs
    speech + garbled|lost|gone|weird|strange|affected|trouble|difficulty
    face|mouth|smile|eyelid|one_side|left_side|right_side|half_of_his|half_of_her|half_of_my + droop*|numb*|crooked|lopsided|drool*|weak*|paralys*|paralyz*|sagging|twisted|tingling|dead
    cant|cannot|unable + move|feel|lift + arm|arms|leg|legs|side|face|legs|hand
    arm|arms|leg|legs + suddenly|sudden + weak*|numb*|heavy|dead|paralys*|paralyz*|cant|cannot|not
    sudden|suddenly + weak*|numb*|headache|blind*|vision|confus*|dizz*|paralys*|collapse*|severe_pain|cant_see|cannot_see|lost_sight
    sudden|suddenly|all_of_a_sudden + cant|cannot|unable|not|lost|couldnt + speak|talk|see|move|walk|feel|hear|stand
    worst|thunderclap|exploding|unbearable + headache
    stroke|strokes ! ${past}
    paralysed|paralyzed|paralysis ! ${past}
    anaphyla*
    allerg* + severe|swell*|swollen|throat|terrible|right_now|having|breath*
    hives|rash + breath*|throat|lips|swell*|tongue
    swell*|swollen|swelled|closing|closed|tight|tightening|constrict* + throat|tongue|lips|airway|face
    overdos* ! radiation|${past}
    took|taken|swallowed|ate|eaten|consumed|popped|ingested|gulped|had + many|strip|bottle|handful|whole|entire|full|all|lot|lots|double|packet + ${pills}
    took|swallowed|ate|consumed|popped|ingested + 10|12|15|20|25|30|35|40|45|50|60|70|80|90|100|ten|twelve|fifteen|twenty|thirty|forty|fifty|hundred + ${pills}
    too_many|so_many + ${pills} ! prescri*
    sleeping_pills|sleeping_tablets + took|taken|many|whole|strip|lot|swallowed|bottle|all
    swallowed ! contrast|barium
    drank|drunk|drinks|drink|drinking|ate|eaten|inhaled|consumed|ingested|eyes|injected + ${chemical}
    poison* | snakebite | snake_bite | scorpion_sting
    snake|cobra|viper|scorpion + bit|bite|bitten|bites|stung|sting
    stung + swell*|breath*|throat|allerg*
    seizure*|convuls*|epileptic_fit|epileptic_attack ! ${past}
    having|has|had|having|got|getting|gets + a_fit|fits ! ${past}
    fit|fits + shaking|jerking|foam*
    shaking|jerking|twitching + uncontroll*|violently|whole_body|floor|stop|unconscious
    foam*|froth* + mouth
    eyes + rolled|rolling_back|rolling_up
    stuck + throat|windpipe|airway
    hit|banged|struck|injur*|hurt + head + unconscious|vomit*|bleed*|confused|dizzy|drowsy|sleepy|fainted
    head_injury|head_trauma|skull_fracture ! ${past}
    car|road|bike|motorcycle|motorbike|scooter|train|traffic + accident ! ${past}
    hit_by_a|run_over_by|knocked_down_by
    stabbed | gunshot* | electrocut* | drowning | drowned | electric_shock | on_fire
    burn|burns|burned|burnt|burning + severe*|badly|boiling|hot_oil|fire|third_degree|acid|whole
    severed|chopped|cut_off|ripped_off|amputated + finger*|hand|arm|leg|toe|foot ! ${past}
    bone + sticking|poking|through_the_skin|protruding
    deep + cut|wound|gash + bleed*|blood|stop
    fell|fallen|jumped + roof|height|ladder|balcony|terrace|building|floor_window
    fever + stiff_neck|unconscious|confus*|seizure|fits
    ambulance | no_pulse | medical_emergency | this_is_an_emergency | its_an_emergency | emergency_help
    dying|about_to_die|going_to_die ! dying_to|curious
    severe|unbearable|excruciating|extreme|terrible|intense + stomach|abdominal|abdomen|belly|tummy + pain|ache|cramps
  `,
  crisis: `
    suicid* | self-harm* | selfharm*
    kill|hurt|harm|hang|shoot|killing|hurting|harming|hanging + myself|himself|herself
    cut|cutting|cuts|drown|burn|burning + myself
    end|ending|take|taking|ended + my_life|my_own_life|own_life|his_life|her_life|it_all
    end_it|ending_it + tonight|all|now|today|planning|life|forever
    want|wanna|wish|ready|rather|going|hope|like + die|be_dead|was_dead|were_dead ! dont_want_to_die|not_want_to_die|am_i_going
    dont|not|no_longer|never + want|wanna|wish|feel|desire + live|living|alive|exist
    no|any|see + point|reason|purpose|meaning + live|living|life|alive|going_on
    better + dead|without_me
    nobody|no_one|noone|everyone + miss_me|without_me
    life|living + not_worth|isnt_worth|worthless|pointless|meaningless
    tired_of|sick_of|done_with|fed_up_with|give_up_on|had_enough_of + living|life
    wish + never_born|not_been_born|never_wake|not_wake
    jump + bridge|building|roof|in_front_of|off
    cut|slit|slash* + wrist|wrists|veins
    cant|cannot|dont_want_to + go_on_anymore|go_on_any_more|go_on_living|go_on_like_this|live_anymore|live_any_more|live_like_this|be_here_anymore
  `,
  general: `
    what_is|what_are|whats|what_causes|what_cause|what_does|what_happens|meaning|mean|means|define|definition|explain|difference|tell_me_about|information
    symptoms|signs_of|causes_of|risk_of|risk_factors|chance|chances|prevent*|how_is|how_are|how_common|how_do_doctors|how_long_after|how_does|why_does|why_do|common
    can_you_see|be_seen|seen|see|visible|show|shows|shown|detect*|diagnos*|look_like|looks_like|find|found|recogni*|rule_out|spot|miss
    chest_xray|chest_x-ray|chest_xrays|chest_x-rays|chest_ct|chest_mri|chest_scan|chest_film|chest_radiograph*
    ai|model|algorithm|report_says|report_mentions|protocol|policy|guideline* | radiation
  `,
  present: `
    he|she|hes|shes|his|her|him|father|mother|dad|mom|mum|papa|wife|husband|son|daughter|brother|sister|friend|uncle|aunt|grandma|grandpa|grandmother|grandfather|neighbour|neighbor|partner
    my_baby|my_child|my_kid|my_patient|the_patient|our_patient|the_baby|the_child|somebody|someone
    im|ive|i_am|i_have|i_feel|i_felt|i_got|i_think|i_cant|i_cannot|i_took|i_had|i_just|i_keep|i_need|with_me|happening|help|this|these|is_it|what_is_it|does_it_mean|wrong|we_are|we_have
    my_chest|my_heart|my_arm|my_left|my_right|my_head|my_face|my_throat|my_lips|my_breath*|my_stomach|my_body|my_mouth|my_leg|my_legs
    now|since|suddenly|having|minutes|just|today|yesterday|tonight|urgent*|quick|quickly|immediately
  `,
};
