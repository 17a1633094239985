/** Tamil, section by section as in English. */
export default {};
