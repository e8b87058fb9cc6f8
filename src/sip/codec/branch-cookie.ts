/** Every branch of RFC 3261 begins with it (§8.1.1.7). By itself it identifies nothing (RFC 4475 §3.2.1). */
export const BRANCH_COOKIE = 'z9hG4bK'
