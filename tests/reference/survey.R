# Reference figures for tests/survey/test_taylor.py, test_design.py and test_weighting.py: R's survey.
# Rscript tests/reference/survey.R FOLDER     writes survey.json beside itself; FOLDER is that of KAM_REAL_DATA, with survey_api/*.parquet
# Debian: apt-get install r-base-core r-cran-survey r-cran-jsonlite
# The data are those of the package (data(api)); FOLDER is only checked to hold the same, since the tests read it.

suppressPackageStartupMessages({
  library(jsonlite)
  library(survey)
})

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
folder <- commandArgs(trailingOnly = TRUE)
files <- c("apistrat.parquet", "apiclus1.parquet", "apiclus2.parquet")
if (length(folder)) stopifnot(file.exists(file.path(folder[1], "survey_api", files)))

one <- function(x) list(estimate = unname(coef(x)), se = unname(as.numeric(SE(x))))
data(api)

# -- one and two stages ---------------------------------------------------------------------------------------------------

strat <- svydesign(id = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = apistrat)
clus1 <- svydesign(id = ~dnum, weights = ~pw, fpc = ~fpc, data = apiclus1)
clus2 <- svydesign(id = ~ dnum + snum, fpc = ~ fpc1 + fpc2, data = apiclus2)

m <- svymean(~api00, strat)
domain <- svyby(~api00, ~stype, clus1, svymean)
no_meals <- subset(strat, yr.rnd == "Yes")
designs <- list(
  call = "svymean(~api00), svytotal(~enroll), svyby(~api00, ~stype), confint(svymean(), df = degf())",
  stratified = list(
    mean_api00 = one(m), total_enroll = one(svytotal(~enroll, strat)), df = degf(strat),
    confint_api00 = unname(as.numeric(confint(m, df = degf(strat)))),
    year_round = one(svymean(~api00, no_meals))
  ),
  clusters = list(
    mean_api00 = one(svymean(~api00, clus1)), total_enroll = one(svytotal(~enroll, clus1)), df = degf(clus1),
    by_stype = list(level = as.character(domain$stype), estimate = unname(domain$api00), se = unname(domain$se))
  ),
  two_stages = list(
    mean_api00 = one(svymean(~api00, clus2)), total_enroll = one(svytotal(~enroll, clus2, na.rm = TRUE))
  )
)

# -- shares ---------------------------------------------------------------------------------------------------------------

shares <- list(call = "svyciprop(~I(ell == 0), clus1, method)")
for (method in c("beta", "logit")) {
  p <- svyciprop(~ I(ell == 0), clus1, method = method)
  shares[[method]] <- list(estimate = unname(as.numeric(coef(p))), interval = unname(as.numeric(confint(p))))
}

# -- post-stratification and raking ------------------------------------------------------------------------------------------

types <- data.frame(stype = c("E", "H", "M"), Freq = c(4421, 755, 1018))
post <- postStratify(clus1, ~stype, types)
wide <- data.frame(sch.wide = c("No", "Yes"), Freq = c(1072, 5122))
raked <- rake(clus1, list(~stype, ~sch.wide), list(types, wide), control = list(maxit = 100, epsilon = 1e-9, verbose = FALSE))
margins <- list(
  call = "postStratify(clus1, ~stype, types); rake(clus1, list(~stype, ~sch.wide), list(types, wide)); svymean(~api00); svytotal(~enroll)",
  stype = setNames(as.list(types$Freq), types$stype), sch_wide = setNames(as.list(wide$Freq), wide$sch.wide),
  post_stratified = list(mean_api00 = one(svymean(~api00, post)), total_enroll = one(svytotal(~enroll, post))),
  raked = list(
    mean_api00 = one(svymean(~api00, raked)), total_enroll = one(svytotal(~enroll, raked)),
    weights = unname(weights(raked))
  )
)

# -- response as a second phase -------------------------------------------------------------------------------------------------
# Two strata, one drawn whole. Response classes are strata of the second phase, so that twophase() knows the probabilities that
# kam estimates as rates of the classes: the same estimator. Without calibration.

RNGkind("Mersenne-Twister", "Inversion", "Rejection")
set.seed(1)
n <- c(60, 80)
size <- c(60, 400)
frame <- data.frame(
  id = seq_len(sum(n)), stratum = rep(c("key", "rest"), n), fpc = rep(size, n), y = round(rnorm(sum(n), 3.5, 1), 2)
)
frame$class <- ifelse(seq_len(sum(n)) %% 3 == 0, "c", ifelse(frame$y > 3.6, "a", "b"))
frame$answered <- runif(sum(n)) < c(a = 0.7, b = 0.4, c = 0.55)[frame$class]
# base weights differ by stratum, so classes are nested in strata, where the rates of kam and of R are the same
frame$cell <- paste(frame$stratum, frame$class)
second <- twophase(
  id = list(~id, ~id), strata = list(~stratum, ~cell), fpc = list(~fpc, NULL), subset = ~answered, data = frame, method = "full"
)
two_phases <- list(
  call = "twophase(id = list(~id, ~id), strata = list(~stratum, ~cell), fpc = list(~fpc, NULL), subset = ~answered, method = 'full')",
  frame = frame[c("id", "stratum", "fpc", "y", "cell", "answered")],
  mean = one(svymean(~y, second))
)

write_json(
  list(
    made_by = "Rscript tests/reference/survey.R $KAM_REAL_DATA",
    versions = list(
      R = paste(R.version$major, R.version$minor, sep = "."), survey = as.character(packageVersion("survey")),
      jsonlite = as.character(packageVersion("jsonlite"))
    ),
    data = list(source = "data(api) of the R package survey (Lumley 2004)", files = paste0("survey_api/", files)),
    designs = designs, shares = shares, margins = margins, two_phases = two_phases
  ),
  file.path(here, "survey.json"),
  digits = 15, auto_unbox = TRUE, pretty = FALSE
)
