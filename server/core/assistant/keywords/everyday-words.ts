/** Everyday words that are one letter away from words of the tables, or may be: they are what they are, and no typing errors. */
export const everydayWords = `
  rules rain comes coming come goes gone used uses
  about above after again along among around asked because before begin being below between bring built called carry cause
  could court cover daily dance death doing doubt dream drive early earth eight every exact extra faith fight first floor
  focus found fresh front fruit giant given glass going grant grass great green group guess happy heard heavy hotel house
  human ideal inner issue judge large later laugh layer learn least leave level light local lucky lunch magic major march
  match maybe mayor might money month mouth movie music never night noise north ocean offer often other ought owner paint
  paper party peace place plain plane plant plate point pound power press price pride prime prize proof proud queen quick
  quiet quite raise range rather reach reply river round route royal scene sense serve seven shall shape sharp sheet shelf
  shirt shock shoot short shown sight since skill sleep small smart smile smoke solid sound south space spare speak speed
  spend sport staff stage stand start state stick still stock stone store storm story study stuff style sugar sweet table
  taste teach thank their theme there these thick thing think third those three throw tired title today topic total touch
  tower trade train treat trend trial tried truck truly truth twice under union until upper usual video visit voice waste
  watch water wheel where which while white whole whose woman women world worry worse worst worth would write wrong young
  battle bottle better cattle coffee course dinner dollar during either family father finger garden ginger letter listen
  little market matter mother nature number office orange people person pretty public rather really reason record result
  return school second shower silver simple single sister social spring street strong summer supper ticket travel winter
  computed tomorrow tomorow tommorow tomorrows today tonight yesterday
  breeding selling spelling dwelling stoke crowned exploring lighting ranging buried prison prisons prisoners fewer several
  sovereign confess confessed chess crest contract contracts concert concerts concern concerns temperature farming casting lasting
  architect architecture present presents presented created served recent leading trails trains waves cloth several named
  sports stars points writing teams sites actors shops camps seeds taxes winding boring earnings invest invested investment
  invention insects physics tales seats texts alter flour spine tiles loops defect stories weights clinics bread banana lesson lessons
  wonder weather whether cooking football cricket
`;
