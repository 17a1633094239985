import type { AnswerWords } from './answer-words.ts';

export const en: AnswerWords = {
  topics: {
    ct: 'A CT scan takes many X-ray pictures from all sides, and a computer makes slices of the body out of them. It takes a few minutes and does not hurt. An MRI uses a magnet instead and no X-rays.',
    mri: 'An MRI makes pictures with a strong magnet and radio waves, without X-rays. It takes 15 to 45 minutes, is loud, and you must lie still. Say before if you have a pacemaker, metal in your body or fear of narrow spaces.',
    xray: 'An X-ray sends a small amount of radiation through the body; bones and dense tissue let less of it through and look white. It takes a moment and does not hurt. Say before if you may be pregnant.',
    ultrasound:
      'Ultrasound makes pictures with sound and uses no radiation; a mammogram is an X-ray of the breast. Your doctor says which examination answers your question.',
    radiation:
      'A chest X-ray has about as much radiation as a few days of nature; a CT has more, an MRI and ultrasound have none. Your doctor weighs the use against the dose. Say before if you may be pregnant.',
    preparation:
      'Follow what your clinic told you about eating, drinking and medicines before the examination. Tell the staff about a pacemaker, implants, pregnancy, kidney disease, allergies and fear of narrow spaces. Leave jewellery and metal outside.',
    pneumonia:
      'Pneumonia is an infection of the lungs, often with cough, fever and shortness of breath. On a chest image it can be seen as a white area. Whether you have it, and how it is treated, only a doctor can say.',
    conditions:
      'I can explain how things work here, but not what you have or how to treat it. The doctor who reads your scan answers that in the report; ask your own doctor about symptoms and treatment.',
    secondFactor:
      'A second factor is an app, a passkey or a code beside the password. You set it up under your account, with recovery codes for the day you lose your phone. Who has lost all of them asks an administrator.',
    users:
      'Administrators invite staff, change roles and disable accounts on the page of users. Doctors, pharmacists and administrators see patients who have registered under registrations.',
    audit:
      'Every access to a record is written down. You see who looked at yours under your account; administrators search and export the whole audit trail.',
    deliveries:
      'Mails that left the server, or should have, are listed under deliveries. An administrator can send one again or to another address there.',
    models:
      'Administrators see the AI models, their evaluation and their drift on the page of models, and take one into service or out of it there.',
    templates:
      'Administrators keep the templates of prescriptions, and the table that medicines are checked by, on the page of prescription templates; a pharmacist chooses a template while prescribing. Name and logo on reports are set under set-up.',
    health:
      'Administrators see how the installation is on the page of the system: every part with what to do about it, and every process. Mails that did not go out are under deliveries.',
    system: 'Name, logo, mail, connected systems and applications are set by administrators under set-up and clients.',
    password:
      'If you have forgotten your password, choose "Forgotten password" on the sign-in page; a link comes by mail. To change it, open your account. A good password is long, and used nowhere else.',
    code: 'The code by mail is valid for 10 minutes and works once. Look into the spam folder, wait a minute, and ask for a new one on the same page. Only the newest code counts.',
    lostFactor:
      'If the phone or key is gone, sign in with one of your recovery codes, or with another factor that you have set up; then set up the new one under your account. If you have none left, ask an administrator or the clinic to reset it.',
    register:
      'Patients register on the sign-in page, where the site allows it, and confirm their address by mail. Doctors, pharmacists and administrators are invited by an administrator.',
    signIn:
      'Sign in with your e-mail address and password. After several wrong tries wait some minutes. Your profile, devices and sessions are under your account; you sign out in the menu at the top right.',
    confidence:
      'Confidence is how strongly the model prefers its answer, from 0 to 100 %; it is not the chance of being ill. Below the threshold of the site the answer is "Uncertain", and a doctor reads the scan in any case.',
    aiFailure:
      'The AI answers only for the kinds of images that it was made for. Where it cannot answer or has failed, the doctor reads the scan without it, or starts the analysis again.',
    ai: 'The AI suggests a finding and says how sure it is. It can be wrong; it never finishes a report, and a doctor decides. What the model was made for, and how well it did in its evaluation, stands on the page of models.',
    emergencyAccess:
      'Emergency access opens a record that is not yours to read, for a limited time. You give a reason, it is written down, and it is looked at afterwards.',
    prescribe:
      'After the doctor has verified, a pharmacist writes the prescription, with a template or freely, and completes the step. Ask your pharmacist or doctor about your medicines, not this window.',
    approve:
      'Last, an administrator looks at everything that will be sent and releases the report, or sends it back with a reason. Only then does the patient see it.',
    verify:
      'A doctor claims a scan in the work list, opens the images, writes notes and a conclusion, and verifies. What was verified can be amended with a reason; a bad image is refused with one. Urgent cases come first.',
    waiting:
      'The status in the list says whose turn it is. How long it takes depends on the clinic; urgent cases come first. You are told when something is ready, and you need not reload the page.',
    steps:
      'A scan goes five steps: it arrives, the AI suggests, a doctor verifies, a pharmacist completes, and an administrator releases the report. Nobody is skipped.',
    shareReport:
      'With a scan whose report has been released you can make a link for a doctor of your choice: it opens with a code that you tell apart from it, until the day that you choose, and you can take it back. The report can also be downloaded as a PDF. Share only with people whom you trust.',
    abnormal:
      '"Normal" means that the doctor saw nothing that needs attention on these images, "abnormal" that something should be looked at. Findings say what was seen, the conclusion what it means. Your doctor explains what follows for you.',
    report:
      'The report appears with your scan once it has been released, and can be opened and downloaded as a PDF there. Read the conclusion first, then the findings. If something in it is wrong, tell the clinic.',
    viewer:
      'Open a scan to see its images: scroll through them, zoom, move, change brightness and contrast, and go back to how it began. The help page lists how.',
    formats:
      'You can send JPG and PNG pictures, DICOM files, folders and ZIP archives. How large they may be stands in the upload window, as this site has set it.',
    upload:
      'Press "Upload" at the top, choose or drop the files, look at the preview, and send. An upload that breaks goes on where it stopped. If you sent a wrong image, tell the clinic: what is stored is not deleted by hand.',
    images:
      'All your scans, old ones too, stand on your page with date and status; staff find all studies in the study list. Open one to see its images.',
    problem:
      'I am sorry that something does not work. Reload the page, and check your connection. If it happens again, tell the clinic what you did, when, and what the page said.',
    feedback:
      'Thank you for telling us. Please give complaints and suggestions to the clinic, because nobody reads what is typed here.',
    keys: 'Press ? in a work list for the keys. Language and look are chosen at the top of each page.',
    greeting:
      'Hello! I am the assistant of this application, a list of prepared answers and no person. Ask me how something works here.',
    thanks: 'You are welcome. Take care!',
    fallback:
      'I have not understood that. I can tell you about: examinations, the way of a scan, the AI, signing in, images and uploads, reports, contact, and administration.',
  },
  places: {
    scans: 'My scans',
    work: 'My work list',
    studies: 'Study list',
    account: 'My account',
    help: 'Help',
    users: 'Users',
    registrations: 'Registrations',
    audit: 'Audit trail',
    deliveries: 'Deliveries',
    models: 'Models',
    clients: 'Connected systems',
    setup: 'Set-up',
    templates: 'Prescription templates',
    system: 'System',
  },
  danger: {
    emergency:
      'This may be an emergency. Call the emergency number now: 112, or 108 for an ambulance in India, or go to the nearest emergency department. Do not wait for an answer here, and do not drive yourself: nobody reads this window.',
    crisis:
      'You are not alone, and there is help now. Call the emergency number 112, or in India Tele-MANAS 14416, at any hour, or go to somebody you trust. Do not stay alone: nobody reads this window.',
  },
  dangerPhone: 'Telephone of {site}: {phone}.',
  contactPhone: 'You reach {site} by telephone: {phone}.',
  contactNoPhone: 'Please turn to the reception of {site}; its number stands in your letters and reports.',
};
