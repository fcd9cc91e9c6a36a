/** What Vélib' Métropole's feed does not say of itself: its name, and whom to credit (data.gouv.fr). */

export const VELIB_SYSTEM = {
  name: "Vélib' Métropole",
  timezone: "Europe/Paris",
  attribution: "Smovengo, Autolib' Vélib' Métropole",
  licenseUrl: "https://www.etalab.gouv.fr/licence-ouverte-open-licence/",
} as const;
