/** Hindi, section by section as in English. */
import account from './account.json' with { type: 'json' };
import action from './action.json' with { type: 'json' };
import admin from './admin.json' with { type: 'json' };
import ai from './ai.json' with { type: 'json' };
import amendment from './amendment.json' with { type: 'json' };
import approve from './approve.json' with { type: 'json' };
import assistant from './assistant.json' with { type: 'json' };
import audit from './audit.json' with { type: 'json' };
import brand from './brand.json' with { type: 'json' };
import clients from './clients.json' with { type: 'json' };
import column from './column.json' with { type: 'json' };
import conclusion from './conclusion.json' with { type: 'json' };
import concordance from './concordance.json' with { type: 'json' };
import confidence from './confidence.json' with { type: 'json' };
import correct from './correct.json' with { type: 'json' };
import deliveries from './deliveries.json' with { type: 'json' };
import dialogs from './dialogs.json' with { type: 'json' };
import doctor from './doctor.json' with { type: 'json' };
import emergency from './emergency.json' with { type: 'json' };
import failure from './failure.json' with { type: 'json' };
import finding from './finding.json' with { type: 'json' };
import forbidden from './forbidden.json' with { type: 'json' };
import gender from './gender.json' with { type: 'json' };
import header from './header.json' with { type: 'json' };
import help from './help.json' with { type: 'json' };
import identity from './identity.json' with { type: 'json' };
import landing from './landing.json' with { type: 'json' };
import launch from './launch.json' with { type: 'json' };
import bodyPart from './body-part.json' with { type: 'json' };
import look from './look.json' with { type: 'json' };
import said from './said.json' with { type: 'json' };
import mailbox from './mailbox.json' with { type: 'json' };
import medicationTable from './medication-table.json' with { type: 'json' };
import menu from './menu.json' with { type: 'json' };
import models from './models.json' with { type: 'json' };
import move from './move.json' with { type: 'json' };
import myScans from './my-scans.json' with { type: 'json' };
import notFound from './not-found.json' with { type: 'json' };
import notices from './notices.json' with { type: 'json' };
import offline from './offline.json' with { type: 'json' };
import patient from './patient.json' with { type: 'json' };
import pharmacist from './pharmacist.json' with { type: 'json' };
import prescribe from './prescribe.json' with { type: 'json' };
import prescription from './prescription.json' with { type: 'json' };
import quickLook from './quick-look.json' with { type: 'json' };
import refuse from './refuse.json' with { type: 'json' };
import release from './release.json' with { type: 'json' };
import remoteAes from './remote-aes.json' with { type: 'json' };
import role from './role.json' with { type: 'json' };
import session from './session.json' with { type: 'json' };
import setup from './setup.json' with { type: 'json' };
import shell from './shell.json' with { type: 'json' };
import signedIn from './signed-in.json' with { type: 'json' };
import state from './state.json' with { type: 'json' };
import status from './status.json' with { type: 'json' };
import stepUp from './step-up.json' with { type: 'json' };
import studies from './studies.json' with { type: 'json' };
import study from './study.json' with { type: 'json' };
import summary from './summary.json' with { type: 'json' };
import system from './system.json' with { type: 'json' };
import templates from './templates.json' with { type: 'json' };
import title from './title.json' with { type: 'json' };
import toast from './toast.json' with { type: 'json' };
import upload from './upload.json' with { type: 'json' };
import users from './users.json' with { type: 'json' };
import verify from './verify.json' with { type: 'json' };
import work from './work.json' with { type: 'json' };

export default {
  account,
  action,
  admin,
  ai,
  amendment,
  approve,
  assistant,
  audit,
  brand,
  clients,
  column,
  conclusion,
  concordance,
  confidence,
  correct,
  deliveries,
  dialogs,
  doctor,
  emergency,
  failure,
  finding,
  forbidden,
  gender,
  header,
  help,
  identity,
  landing,
  launch,
  bodyPart,
  look,
  said,
  mailbox,
  medicationTable,
  menu,
  models,
  move,
  myScans,
  notFound,
  notices,
  offline,
  patient,
  pharmacist,
  prescribe,
  prescription,
  quickLook,
  refuse,
  release,
  remoteAes,
  role,
  session,
  setup,
  shell,
  signedIn,
  state,
  status,
  stepUp,
  studies,
  study,
  summary,
  system,
  templates,
  title,
  toast,
  upload,
  users,
  verify,
  work,
};
