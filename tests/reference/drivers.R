# Reference figures for tests/survey/test_importance.py, test_ordinal.py and test_drivers.py: R's lm and MASS::polr.
# Rscript tests/reference/drivers.R     writes drivers.json beside itself
# Debian: apt-get install r-base-core r-cran-jsonlite r-cran-mass

suppressPackageStartupMessages({
  library(jsonlite)
  library(MASS)
})

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))

# -- LMG by its definition: over all orders, what each driver adds to R² of lm ------------------------------------------------

permutations <- function(v) {
  if (length(v) < 2) return(list(v))
  do.call(c, lapply(seq_along(v), function(i) lapply(permutations(v[-i]), function(rest) c(v[i], rest))))
}
drivers <- c("complaints", "privileges", "learning", "raises", "critical", "advance")
known <- new.env()
r2 <- function(names, data, weights) {
  if (!length(names)) return(0)
  key <- paste(sort(names), collapse = " ")
  if (is.null(known[[key]])) {
    known[[key]] <- summary(lm(reformulate(names, "rating"), data = data, weights = weights))$r.squared
  }
  known[[key]]
}
lmg_of <- function(weights) {
  rm(list = ls(known), envir = known)
  data <- attitude
  data$w <- weights
  orders <- permutations(drivers)
  total <- setNames(numeric(length(drivers)), drivers)
  for (order in orders) {
    for (k in seq_along(order)) {
      total[order[k]] <- total[order[k]] + r2(order[seq_len(k)], data, data$w) - r2(order[seq_len(k - 1)], data, data$w)
    }
  }
  total / length(orders)
}
johnson_of <- function(r) {
  p <- nrow(r) - 1
  e <- eigen(r[1:p, 1:p])
  lambda <- e$vectors %*% diag(sqrt(e$values)) %*% t(e$vectors)
  as.vector(lambda^2 %*% solve(lambda, r[1:p, p + 1])^2)
}
ones <- rep(1, nrow(attitude))
some <- rep(c(1, 2, 3), 10)
fit <- lm(rating ~ ., data = attitude)
scaled <- lm(rating ~ ., data = as.data.frame(scale(attitude)))
rating <- list(
  call = "lm(rating ~ ., attitude); LMG: mean over 720 orders of the increase of summary(lm)$r.squared",
  drivers = drivers,
  columns = lapply(attitude, as.numeric),
  weights = some,
  r_squared = summary(fit)$r.squared,
  slopes = unname(coef(fit)[drivers]),
  betas = unname(coef(scaled)[drivers]),
  lmg = unname(lmg_of(ones)),
  lmg_weighted = unname(lmg_of(some)),
  johnson = johnson_of(cor(attitude[, c(drivers, "rating")]))
)

# -- MASS::polr, with and without weights ----------------------------------------------------------------------------------

frequencies <- transform(housing, infl = as.numeric(Infl) - 1, cont = as.numeric(Cont) - 1, tower = as.numeric(Type == "Tower"))
tight <- polr(Sat ~ infl + cont + tower, weights = Freq, data = frequencies, Hess = TRUE, control = list(reltol = 1e-14, maxit = 1000))
housing_part <- list(
  call = "polr(Sat ~ infl + cont + tower, weights = Freq, data = housing, control = list(reltol = 1e-14))",
  source = "Madsen (1976), data 'housing' of the R package MASS",
  levels = as.numeric(frequencies$Sat),
  x = unname(as.matrix(frequencies[, c("infl", "cont", "tower")])),
  weights = as.numeric(frequencies$Freq),
  slopes = unname(coef(tight)),
  cuts = unname(tight$zeta),
  deviance = tight$deviance
)

write_json(
  list(
    made_by = "Rscript tests/reference/drivers.R",
    versions = list(
      R = paste(R.version$major, R.version$minor, sep = "."),
      MASS = as.character(packageVersion("MASS")),
      jsonlite = as.character(packageVersion("jsonlite"))
    ),
    rating = rating, housing = housing_part
  ),
  file.path(here, "drivers.json"),
  digits = 15, auto_unbox = TRUE, pretty = FALSE
)
