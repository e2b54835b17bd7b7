# Reference figures for tests/churn/test_hazard.py and test_survival.py: R's survival and glm.
# Rscript tests/reference/survival.R     writes survival.json beside itself
# Debian: apt-get install r-base-core r-cran-survival r-cran-sandwich r-cran-jsonlite

suppressPackageStartupMessages({
  library(jsonlite)
  library(sandwich)
  library(survival)
})

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
plain <- function(x) unname(unclass(x) + 0)

# 120 accounts, whole periods with ties, some of them known only from a later period on; the effect of `early` fades.
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
set.seed(4)
n <- 120
score <- round(rnorm(n), 2)
early <- rbinom(n, 1, 0.4)
region <- sample(c("east", "north", "west"), n, replace = TRUE)
time <- integer(n)
for (i in seq_len(n)) {
  t <- 1
  while (t < 24 && runif(1) > 1 - exp(-exp(-3 + 0.5 * score[i] + early[i] * ifelse(t < 6, 1.2, -0.6)))) t <- t + 1
  time[i] <- t
}
end <- sample(8:24, n, replace = TRUE)
lost <- as.integer(time <= end & time < 24)
duration <- pmin(time, end)
entry <- ifelse(runif(n) < 0.3, pmin(sample(0:5, n, replace = TRUE), duration - 1), 0)
accounts <- data.frame(score, early, region, entry, duration, lost)

# -- Kaplan-Meier and log-rank ------------------------------------------------------------------------------------------

curve_of <- function(fit) {
  list(
    time = fit$time, n_at_risk = fit$n.risk, n_lost = fit$n.event, survival = fit$surv, low = fit$lower, high = fit$upper,
    median = unname(summary(fit)$table[c("median", "0.95LCL", "0.95UCL")])
  )
}
kaplan_meier <- list(
  call = "survfit(Surv(entry, duration, lost) ~ 1, conf.type = 'log-log'); survdiff(Surv(duration, lost) ~ region)",
  all = curve_of(survfit(Surv(entry, duration, lost) ~ 1, accounts, conf.type = "log-log")),
  plain = curve_of(survfit(Surv(duration, lost) ~ 1, accounts, conf.type = "log-log")),
  log_rank = survdiff(Surv(duration, lost) ~ region, accounts)$chisq
)

# -- Cox and proportionality --------------------------------------------------------------------------------------------

fit <- coxph(Surv(entry, duration, lost) ~ score + early, accounts, ties = "efron")
zph <- cox.zph(fit, transform = "km")
cox <- list(
  call = "coxph(Surv(entry, duration, lost) ~ score + early, ties = 'efron'); cox.zph(fit, transform = 'km')",
  estimate = plain(coef(fit)), std_error = unname(sqrt(diag(vcov(fit)))), zph = plain(zph$table[, "chisq"])
)

# -- discrete-time hazard -----------------------------------------------------------------------------------------------

rows <- do.call(rbind, lapply(seq_len(n), function(i) {
  t <- (entry[i] + 1):duration[i]
  data.frame(id = i, t = t, score = score[i], early = early[i], y = as.integer(lost[i] & t == duration[i]))
}))
knots <- unname(quantile(rows$t[rows$y == 1], c(0.05, 0.35, 0.65, 0.95)))
cube <- function(x) pmax(x, 0)^3
k <- knots
term <- function(x, j) {
  (cube(x - k[j]) - cube(x - k[3]) * (k[4] - k[j]) / (k[4] - k[3]) + cube(x - k[4]) * (k[3] - k[j]) / (k[4] - k[3])) /
    (k[4] - k[1])^2
}
rows$s2 <- term(rows$t, 1)
rows$s3 <- term(rows$t, 2)
design <- model.matrix(~ t + s2 + s3 + score + early, rows)
hazard_of <- function(link) {
  g <- glm(y ~ t + s2 + s3 + score + early, binomial(link), rows, control = glm.control(epsilon = 1e-12, maxit = 100))
  # sandwich's bread is the expected information; with a link that is not canonical the observed one differs from it
  lost_by <- function(b) make.link(link)$linkinv(design %*% b)
  minus <- function(b) -sum(ifelse(rows$y == 1, log(lost_by(b)), log1p(-lost_by(b))))
  bread <- solve(optimHess(coef(g), minus, control = list(ndeps = rep(1e-4, length(coef(g))))))
  each <- rowsum(estfun(g), rows$id)
  size <- nrow(each) / (nrow(each) - 1) * (nrow(rows) - 1) / (nrow(rows) - length(coef(g)))
  list(
    estimate = plain(coef(g)), log_likelihood = as.numeric(logLik(g)),
    std_error = unname(sqrt(diag(bread %*% crossprod(each) %*% bread) * size)),
    std_error_sandwich = unname(sqrt(diag(vcovCL(g, cluster = rows$id, type = "HC1", cadjust = TRUE))))
  )
}
hazard <- list(
  call = "glm(y ~ t + s2 + s3 + score + early, binomial(link)); optimHess(), estfun(g); vcovCL(g, cluster = id, type = 'HC1')",
  knots = knots, cloglog = hazard_of("cloglog"), logit = hazard_of("logit")
)

write_json(
  list(
    made_by = "Rscript tests/reference/survival.R",
    versions = list(
      R = paste(R.version$major, R.version$minor, sep = "."),
      survival = as.character(packageVersion("survival")),
      sandwich = as.character(packageVersion("sandwich")),
      jsonlite = as.character(packageVersion("jsonlite"))
    ),
    accounts = accounts, kaplan_meier = kaplan_meier, cox = cox, hazard = hazard
  ),
  file.path(here, "survival.json"),
  digits = 15, auto_unbox = TRUE, pretty = FALSE, dataframe = "columns", na = "null"
)
