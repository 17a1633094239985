import { signInScopes } from './authorization/granted-scopes.ts';
import { brandIdentifier } from './brands.ts';

export interface SmartEndpoints {
  issuer: string;
  authorize: string;
  token: string;
  jwks: string;
  introspect: string;
  revoke: string;
  manage: string;
  endSession: string;
  register: string;
  brands: string;
}

/** Every address comes from the configured public URL: a Host header must never reach a client's configuration. */
export function smartEndpoints(publicUrl: string): SmartEndpoints {
  const issuer = `${publicUrl}/oidc`;
  return {
    issuer,
    authorize: `${issuer}/auth`,
    token: `${issuer}/token`,
    jwks: `${issuer}/jwks`,
    introspect: `${issuer}/token/introspection`,
    revoke: `${issuer}/token/revocation`,
    manage: `${publicUrl}/connected-apps`,
    endSession: `${issuer}/session/end`,
    register: `${issuer}/reg`,
    brands: `${publicUrl}/smart/brands.json`,
  };
}

/** The SMART configuration document (SMART App Launch 2.2, "Conformance"): only what is true. */
export function smartConfiguration(publicUrl: string, capabilities: readonly string[] = []): Record<string, unknown> {
  const endpoints = smartEndpoints(publicUrl);
  return {
    issuer: endpoints.issuer,
    jwks_uri: endpoints.jwks,
    authorization_endpoint: endpoints.authorize,
    token_endpoint: endpoints.token,
    introspection_endpoint: endpoints.introspect,
    revocation_endpoint: endpoints.revoke,
    management_endpoint: endpoints.manage,
    end_session_endpoint: endpoints.endSession,
    registration_endpoint: endpoints.register,
    user_access_brand_bundle: endpoints.brands,
    user_access_brand_identifier: brandIdentifier(publicUrl),
    grant_types_supported: ['authorization_code', 'client_credentials', 'refresh_token'],
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: ['ES384', 'RS384'],
    scopes_supported: [
      ...signInScopes,
      'launch',
      'launch/patient',
      'patient/*.rs',
      'user/*.cruds',
      'system/*.rs',
      'system/ImagingStudy.rs',
    ],
    capabilities: [
      'launch-ehr',
      'launch-standalone',
      'authorize-post',
      'client-public',
      'client-confidential-symmetric',
      'client-confidential-asymmetric',
      'sso-openid-connect',
      'context-banner',
      'context-style',
      'context-ehr-patient',
      'context-ehr-encounter',
      'context-standalone-patient',
      'permission-offline',
      'permission-online',
      'permission-patient',
      'permission-user',
      'permission-v1',
      'permission-v2',
      ...capabilities,
    ],
  };
}

/**
 * To be claimed only by a server that keeps every rule of SMART Imaging Access 0.1.0 on its FHIR and DICOMweb
 * sides; the SMART side (scopes, issuer, audience, launch and backend services) does.
 */
export const imagingAccessCapabilities = [
  'smart-imaging-access',
  'http://fhir.org/argonaut/smart-imaging/capabilities/app-launch',
  'http://fhir.org/argonaut/smart-imaging/capabilities/backend-services',
];

/** SMART's style hints (`smart_style_url`): the colours of this site, for apps that want to look alike. */
export const smartStyle = {
  color_background: '#0b0f1a',
  color_error: '#ff9a9a',
  color_highlight: '#00d4ff',
  color_modal_backdrop: '#060912',
  color_success: '#5ee6a8',
  color_text: '#e8eef7',
  dim_border_radius: '6px',
  dim_font_size: '16px',
  dim_spacing_size: '16px',
  font_family_body: "system-ui, 'Noto Sans', sans-serif",
  font_family_heading: "system-ui, 'Noto Sans', sans-serif",
};
