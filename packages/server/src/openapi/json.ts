/** A JSON object, as far as anybody here looks into it. */
export type Json = { readonly [name: string]: unknown }
