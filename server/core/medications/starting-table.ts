/**
 * What the table of a site holds before anybody has edited it: facts that stand in the product information of these
 * medicines, few enough to be read in five minutes. It is a beginning and an example of the format, no knowledge base.
 * Codes are ATC codes of the WHO.
 */
export const startingTable = `kind,name,other,names,codes,groups,rules,severity,text
group,Penicillins,,penicillin; penicillin antibiotics,,,one-at-a-time; cross-allergy,,
group,Cephalosporins,,cephalosporin,,,one-at-a-time; cross-allergy,,
group,Macrolides,,macrolide; macrolide antibiotics,,,one-at-a-time; cross-allergy,,
group,Fluoroquinolones,,fluoroquinolone; quinolones; quinolone,,,one-at-a-time; cross-allergy,,
group,Tetracyclines,,tetracycline antibiotics,,,one-at-a-time; cross-allergy,,
group,Sulfonamide antibiotics,,sulfonamide; sulfonamides; sulfa; sulfa drugs; sulpha drugs,,,cross-allergy,,
group,NSAIDs,,NSAID; non-steroidal anti-inflammatory drugs; nonsteroidal anti-inflammatory drugs,,,one-at-a-time; cross-allergy,,
group,Antiplatelets,,antiplatelet; platelet aggregation inhibitors,,,,,
group,Anticoagulants,,anticoagulant; blood thinners,,,one-at-a-time,,
group,Statins,,statin,,,one-at-a-time,,
group,ACE inhibitors,,ACE inhibitor,,,one-at-a-time; cross-allergy,,
group,Angiotensin receptor blockers,,angiotensin receptor blocker; sartans,,,one-at-a-time,,
group,Potassium-sparing diuretics,,potassium-sparing diuretic,,,,,
group,Nitrates,,nitrate; organic nitrates,,,,,
group,PDE5 inhibitors,,PDE5 inhibitor,,,one-at-a-time,,
group,SSRIs,,SSRI; selective serotonin reuptake inhibitors,,,one-at-a-time,,
group,Beta blockers,,beta blocker; beta-blockers,,,one-at-a-time,,
group,Opioids,,opioid,,,,,
group,Benzodiazepines,,benzodiazepine,,,one-at-a-time,,
group,Systemic corticosteroids,,oral corticosteroids; oral steroids,,,one-at-a-time,,
group,Antihistamines,,antihistamine,,,one-at-a-time,,
group,Iodinated contrast media,,iodinated contrast; iodine contrast; X-ray contrast,,,cross-allergy,,
medication,Amoxicillin,,amoxycillin; Amoxil,http://www.whocc.no/atc|J01CA04,Penicillins,,,
medication,Amoxicillin and clavulanic acid,,amoxicillin and clavulanate; co-amoxiclav; Augmentin,http://www.whocc.no/atc|J01CR02,Penicillins,,,
medication,Ampicillin,,,http://www.whocc.no/atc|J01CA01,Penicillins,,,
medication,Phenoxymethylpenicillin,,penicillin V,http://www.whocc.no/atc|J01CE02,Penicillins,,,
medication,Benzylpenicillin,,penicillin G,http://www.whocc.no/atc|J01CE01,Penicillins,,,
medication,Piperacillin and tazobactam,,piperacillin; Tazocin,http://www.whocc.no/atc|J01CR05,Penicillins,,,
medication,Cefalexin,,cephalexin,http://www.whocc.no/atc|J01DB01,Cephalosporins,,,
medication,Cefuroxime,,cefuroxime axetil,http://www.whocc.no/atc|J01DC02,Cephalosporins,,,
medication,Ceftriaxone,,,http://www.whocc.no/atc|J01DD04,Cephalosporins,,,
medication,Cefixime,,,http://www.whocc.no/atc|J01DD08,Cephalosporins,,,
medication,Azithromycin,,Zithromax,http://www.whocc.no/atc|J01FA10,Macrolides,,,
medication,Clarithromycin,,,http://www.whocc.no/atc|J01FA09,Macrolides,,,
medication,Erythromycin,,,http://www.whocc.no/atc|J01FA01,Macrolides,,,
medication,Ciprofloxacin,,,http://www.whocc.no/atc|J01MA02,Fluoroquinolones,,,
medication,Levofloxacin,,,http://www.whocc.no/atc|J01MA12,Fluoroquinolones,,,
medication,Moxifloxacin,,,http://www.whocc.no/atc|J01MA14,Fluoroquinolones,,,
medication,Doxycycline,,,http://www.whocc.no/atc|J01AA02,Tetracyclines,,,
medication,Sulfamethoxazole and trimethoprim,,co-trimoxazole; cotrimoxazole; sulfamethoxazole; Septran; Bactrim,http://www.whocc.no/atc|J01EE01,Sulfonamide antibiotics,,,
medication,Metronidazole,,,http://www.whocc.no/atc|J01XD01; http://www.whocc.no/atc|P01AB01,,,,
medication,Ibuprofen,,Brufen,http://www.whocc.no/atc|M01AE01,NSAIDs,,,
medication,Diclofenac,,Voltaren,http://www.whocc.no/atc|M01AB05,NSAIDs,,,
medication,Naproxen,,,http://www.whocc.no/atc|M01AE02,NSAIDs,,,
medication,Acetylsalicylic acid,,aspirin; ASA,http://www.whocc.no/atc|B01AC06; http://www.whocc.no/atc|N02BA01,NSAIDs; Antiplatelets,,,
medication,Paracetamol,,acetaminophen,http://www.whocc.no/atc|N02BE01,,,,
medication,Tramadol,,,http://www.whocc.no/atc|N02AX02,Opioids,,,
medication,Morphine,,,http://www.whocc.no/atc|N02AA01,Opioids,,,
medication,Diazepam,,,http://www.whocc.no/atc|N05BA01,Benzodiazepines,,,
medication,Warfarin,,Coumadin,http://www.whocc.no/atc|B01AA03,Anticoagulants,,,
medication,Apixaban,,,http://www.whocc.no/atc|B01AF02,Anticoagulants,,,
medication,Rivaroxaban,,,http://www.whocc.no/atc|B01AF01,Anticoagulants,,,
medication,Enoxaparin,,,http://www.whocc.no/atc|B01AB05,Anticoagulants,,,
medication,Clopidogrel,,,http://www.whocc.no/atc|B01AC04,Antiplatelets,,,
medication,Simvastatin,,,http://www.whocc.no/atc|C10AA01,Statins,,,
medication,Atorvastatin,,,http://www.whocc.no/atc|C10AA05,Statins,,,
medication,Enalapril,,,http://www.whocc.no/atc|C09AA02,ACE inhibitors,,,
medication,Lisinopril,,,http://www.whocc.no/atc|C09AA03,ACE inhibitors,,,
medication,Ramipril,,,http://www.whocc.no/atc|C09AA05,ACE inhibitors,,,
medication,Losartan,,,http://www.whocc.no/atc|C09CA01,Angiotensin receptor blockers,,,
medication,Spironolactone,,,http://www.whocc.no/atc|C03DA01,Potassium-sparing diuretics,,,
medication,Potassium chloride,,,http://www.whocc.no/atc|A12BA01,,,,
medication,Digoxin,,,http://www.whocc.no/atc|C01AA05,,,,
medication,Amiodarone,,,http://www.whocc.no/atc|C01BD01,,,,
medication,Propranolol,,,http://www.whocc.no/atc|C07AA05,Beta blockers,,,
medication,Atenolol,,,http://www.whocc.no/atc|C07AB03,Beta blockers,,,
medication,Metoprolol,,,http://www.whocc.no/atc|C07AB02,Beta blockers,,,
medication,Salbutamol,,albuterol; Ventolin,http://www.whocc.no/atc|R03AC02,,,,
medication,Theophylline,,,http://www.whocc.no/atc|R03DA04,,,,
medication,Prednisone,,,http://www.whocc.no/atc|H02AB07,Systemic corticosteroids,,,
medication,Prednisolone,,,http://www.whocc.no/atc|H02AB06,Systemic corticosteroids,,,
medication,Cetirizine,,,http://www.whocc.no/atc|R06AE07,Antihistamines,,,
medication,Loratadine,,,http://www.whocc.no/atc|R06AX13,Antihistamines,,,
medication,Glyceryl trinitrate,,nitroglycerin,http://www.whocc.no/atc|C01DA02,Nitrates,,,
medication,Isosorbide mononitrate,,,http://www.whocc.no/atc|C01DA14,Nitrates,,,
medication,Sildenafil,,Viagra,http://www.whocc.no/atc|G04BE03,PDE5 inhibitors,,,
medication,Tadalafil,,,http://www.whocc.no/atc|G04BE08,PDE5 inhibitors,,,
medication,Sertraline,,,http://www.whocc.no/atc|N06AB06,SSRIs,,,
medication,Fluoxetine,,,http://www.whocc.no/atc|N06AB03,SSRIs,,,
medication,Lithium,,lithium carbonate,http://www.whocc.no/atc|N05AN01,,,,
medication,Methotrexate,,,http://www.whocc.no/atc|L04AX03,,,,
medication,Metformin,,,http://www.whocc.no/atc|A10BA02,,,,
interaction,Anticoagulants,NSAIDs,,,,,high,Risk of serious bleeding. Prefer paracetamol.
interaction,Anticoagulants,Antiplatelets,,,,,high,Risk of serious bleeding: only where a specialist wants both.
interaction,Warfarin,Macrolides,,,,,high,The effect of warfarin rises. Check the INR within days.
interaction,Warfarin,Fluoroquinolones,,,,,high,The effect of warfarin rises. Check the INR within days.
interaction,Warfarin,Metronidazole,,,,,high,The effect of warfarin rises strongly. Lower the dose and check the INR.
interaction,Warfarin,Sulfamethoxazole and trimethoprim,,,,,high,The effect of warfarin rises strongly. Choose another antibiotic or check the INR.
interaction,Warfarin,Amiodarone,,,,,high,The effect of warfarin rises for weeks. Lower the dose and check the INR.
interaction,NSAIDs,Systemic corticosteroids,,,,,moderate,Risk of ulcer and bleeding of the stomach. Consider protection of the stomach.
interaction,NSAIDs,ACE inhibitors,,,,,moderate,The kidneys may suffer and blood pressure may rise. Check both.
interaction,NSAIDs,Angiotensin receptor blockers,,,,,moderate,The kidneys may suffer and blood pressure may rise. Check both.
interaction,NSAIDs,Lithium,,,,,high,The level of lithium rises. Avoid it or check the level.
interaction,NSAIDs,Methotrexate,,,,,high,The level of methotrexate may rise to a poisonous one.
interaction,NSAIDs,SSRIs,,,,,moderate,Risk of bleeding of the stomach.
interaction,Methotrexate,Sulfamethoxazole and trimethoprim,,,,,high,Risk of severe damage of the bone marrow. Do not combine.
interaction,Simvastatin,Clarithromycin,,,,,high,Risk of destruction of muscle. Pause simvastatin.
interaction,Simvastatin,Erythromycin,,,,,high,Risk of destruction of muscle. Pause simvastatin.
interaction,ACE inhibitors,Potassium-sparing diuretics,,,,,high,Potassium may rise dangerously. Check it.
interaction,ACE inhibitors,Potassium chloride,,,,,high,Potassium may rise dangerously. Check it.
interaction,ACE inhibitors,Angiotensin receptor blockers,,,,,moderate,Potassium may rise and the kidneys may suffer. Not usually combined.
interaction,Nitrates,PDE5 inhibitors,,,,,high,Blood pressure may fall to a dangerous level. Do not combine.
interaction,Digoxin,Clarithromycin,,,,,high,The level of digoxin rises. Check it.
interaction,Digoxin,Amiodarone,,,,,high,The level of digoxin rises. Halve the dose and check it.
interaction,Amiodarone,Fluoroquinolones,,,,,high,Risk of a dangerous rhythm of the heart (QT).
interaction,Amiodarone,Macrolides,,,,,high,Risk of a dangerous rhythm of the heart (QT).
interaction,Macrolides,Fluoroquinolones,,,,,moderate,Risk of a dangerous rhythm of the heart (QT).
interaction,Theophylline,Ciprofloxacin,,,,,high,The level of theophylline rises. Lower the dose and check it.
interaction,Beta blockers,Salbutamol,,,,,moderate,Each may take the effect of the other. Non-selective beta blockers can bring on asthma.
interaction,SSRIs,Tramadol,,,,,high,Risk of serotonin syndrome and of seizures.
interaction,Opioids,Benzodiazepines,,,,,high,Breathing may become too weak. Avoid the combination.
allergy,Penicillins,Cephalosporins,,,,,moderate,Some people who are allergic to penicillins react to cephalosporins. Ask what the reaction was.
`;
