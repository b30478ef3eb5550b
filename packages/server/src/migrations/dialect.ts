/** The databases that accounts can be kept in. */
export type Dialect = 'sqlite' | 'postgres'
